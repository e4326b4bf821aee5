"""Writing, reading and deleting comments, and counting them, with stores and logs in memory."""

from __future__ import annotations

import asyncio
import random

import pytest

from photomesh_post.comments.counting import CommentCounter
from photomesh_post.comments.domain import MAX_COMMENT, CommentText, CommentView
from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.errors import (
    CommentNotFound,
    CommentTooLong,
    NotYourComment,
    PostNotFound,
    TooManyHashtags,
    TooManyMentions,
    UnknownComment,
)
from photomesh_shared.errors import InvalidRequest, Unavailable
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope, Event, PostCounted
from photomesh_shared.ids import CreationId
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.memory_log import MemoryLog
from tests.support.post.sample_events import (
    ADA,
    GRACE,
    LINUS,
    account,
    blocked,
    comment_created,
    comment_deleted,
    unblocked,
)


class Scene(InMemoryService):
    """A post of Ada's under which Grace and Linus comment."""

    post_id: int

    async def comment(self, author_id: int, text: str, parent: CommentView | None = None) -> CommentView:
        return await self.write_comment(author_id, self.post_id, text, parent.comment.id if parent else None)

    async def delete(self, viewer_id: int, view: CommentView) -> None:
        await self.comments.delete_comment(viewer_id, view.comment.id)

    async def texts(self, viewer_id: int | None) -> list[str]:
        views, _ = await self.comment_queries.comments_of_post(viewer_id, self.post_id, before=None, limit=50)
        return [view.text for view in views]

    async def reply_texts(self, viewer_id: int | None, comment_id: int) -> list[str]:
        views, _ = await self.comment_queries.replies(viewer_id, comment_id, after=None, limit=50)
        return [view.text for view in views]

    async def replay_comments(self) -> None:
        await self.consume_batch(*self.comment_log.events)


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.consume(account(ADA), account(GRACE), account(LINUS))
    scene.post_id = await scene.published_post()
    return scene


async def test_a_thread(scene: Scene) -> None:
    first = await scene.comment(GRACE, "First @ada")
    second = await scene.comment(ADA, "Second")
    reply = await scene.comment(ADA, "Reply", first)
    deeper = await scene.comment(GRACE, "Deeper", reply)
    assert deeper.comment.parent_id == reply.comment.parent_id == first.comment.id
    assert await scene.texts(LINUS) == ["Second", "First @ada"]
    assert await scene.reply_texts(None, first.comment.id) == ["Reply", "Deeper"]
    assert await scene.reply_texts(None, reply.comment.id) == []
    assert scene.count_store.comment_count(scene.post_id) == 4
    assert scene.count_store.comment_count(first.comment.id) == 2
    assert scene.count_store.comment_count(second.comment.id) == 0
    event = scene.comment_log.events[0].data
    assert isinstance(event, CommentCreated)
    assert (event.post_author_id, event.mentions, event.parent_author_id) == (ADA, ("ada",), None)
    last = scene.comment_log.events[-1].data
    assert isinstance(last, CommentCreated)
    assert last.parent_author_id == GRACE


async def test_a_repeated_creation_is_one_comment(scene: Scene) -> None:
    """As after a crash between log and response: the same event, whatever happened since."""
    text = CommentText.checked("Once")
    comment_id = scene.ids.next()
    first = await scene.comments.write_comment(CreationId(comment_id), GRACE, scene.post_id, text, None)
    await scene.clock.advance(60)
    assert await scene.comments.write_comment(CreationId(comment_id), GRACE, scene.post_id, text, None) == first
    assert await scene.texts(LINUS) == ["Once"]
    assert scene.count_store.comment_count(scene.post_id) == 1
    assert len({(event.id, event.entityversion, event.data) for event in scene.comment_log.events}) == 1
    await scene.delete(GRACE, first)
    await scene.comments.write_comment(CreationId(comment_id), GRACE, scene.post_id, text, None)
    assert await scene.texts(LINUS) == []


async def test_a_repeat_finds_the_comment(scene: Scene) -> None:
    """As with an idempotency key whose first request was answered: nothing is written again."""
    text, creation = CommentText.checked("Once"), CreationId(scene.ids.next())
    repeat = CreationId(creation.id, repeated=True)
    first = await scene.comments.write_comment(creation, GRACE, scene.post_id, text, None)
    assert await scene.comments.write_comment(repeat, GRACE, scene.post_id, text, None) == first
    assert len(scene.comment_log.events) == 1
    await scene.delete(GRACE, first)
    with pytest.raises(CommentNotFound):
        await scene.comments.write_comment(repeat, GRACE, scene.post_id, text, None)
    later = CreationId(scene.ids.next(), repeated=True)  # the first attempt did not get as far as its event
    assert (await scene.comments.write_comment(later, GRACE, scene.post_id, text, None)).comment.id == later.id


async def test_mentions_are_linked_when_a_comment_is_written(scene: Scene) -> None:
    view = await scene.comment(GRACE, f"@user{ADA} and @nobody #sunset")
    assert [(one.username, one.account_id) for one in view.entities.mentions] == [(f"user{ADA}", ADA), ("nobody", None)]
    event = scene.comment_log.events[0].data
    assert isinstance(event, CommentCreated)
    assert event.entities == view.entities
    [listed], _ = await scene.comment_queries.comments_of_post(LINUS, scene.post_id, before=None, limit=5)
    assert listed.entities == view.entities


async def test_a_comment_from_before_entities_were_kept(scene: Scene) -> None:
    await scene.consume_batch(comment_created(scene.post_id, scene.ids.next(), text=f"@user{ADA} #sunset"))
    [view], _ = await scene.comment_queries.comments_of_post(LINUS, scene.post_id, before=None, limit=5)
    [mention], [hashtag] = view.entities.mentions, view.entities.hashtags
    assert (mention.start, mention.end, mention.account_id, hashtag.tag) == (0, 8, None, "sunset")


async def test_pages(scene: Scene) -> None:
    views = [await scene.comment(GRACE, str(number)) for number in range(5)]
    found, last = await scene.comment_queries.comments_of_post(ADA, scene.post_id, before=None, limit=2)
    await scene.comment(ADA, "new")
    await scene.delete(GRACE, views[3])
    rest, end = await scene.comment_queries.comments_of_post(ADA, scene.post_id, before=last, limit=3)
    assert [view.text for view in found + rest] == ["4", "3", "2", "1", "0"]
    assert end is None
    found, last = await scene.comment_queries.comments_of_post(ADA, scene.post_id, before=None, limit=5)
    assert last is None


async def test_a_page_skips_hidden_comments(scene: Scene) -> None:
    await scene.comment(LINUS, "seen")
    for number in range(12):
        await scene.comment(GRACE, str(number))
    await scene.consume(blocked(GRACE, ADA + 1000), blocked(GRACE, LINUS))
    found, last = await scene.comment_queries.comments_of_post(LINUS, scene.post_id, before=None, limit=1)
    assert ([view.text for view in found], last) == (["seen"], None)


async def test_comments_of_an_account_that_is_not_active_are_seen_by_nobody_else(scene: Scene) -> None:
    await scene.comment(GRACE, "hidden")
    await scene.consume(account(GRACE, version=2, status="leaving"))
    for viewer, texts in ((GRACE, ["hidden"]), (LINUS, []), (ADA, []), (None, [])):
        found, _ = await scene.comment_queries.comments_of_post(viewer, scene.post_id, before=None, limit=5)
        assert [view.text for view in found] == texts


async def test_only_visible_comments_of_the_post_can_be_replied_to(scene: Scene) -> None:
    elsewhere = await scene.write_comment(GRACE, await scene.published_post(), "Elsewhere")
    gone, hidden = await scene.comment(GRACE, "Gone"), await scene.comment(LINUS, "Hidden")
    await scene.delete(GRACE, gone)
    await scene.consume(blocked(GRACE, LINUS))
    for parent_id in (elsewhere.comment.id, gone.comment.id, hidden.comment.id, 12345):
        with pytest.raises(UnknownComment):
            await scene.write_comment(GRACE, scene.post_id, "Reply", parent_id)


async def test_only_the_author_and_the_posts_author_may_delete(scene: Scene) -> None:
    first = await scene.comment(GRACE, "First")
    reply = await scene.comment(ADA, "Reply", first)
    with pytest.raises(NotYourComment):
        await scene.delete(LINUS, first)
    await scene.delete(ADA, first)
    for viewer_id, comment in ((ADA, first), (GRACE, first), (ADA, reply)):
        await scene.delete(viewer_id, comment)
    for comment in (first, reply):
        with pytest.raises(CommentNotFound):
            await scene.delete(LINUS, comment)
    assert scene.comment_log.types() == ["created", "created", "deleted"]
    deleted = scene.comment_log.events[-1]
    assert isinstance(deleted.data, CommentDeleted)
    assert (deleted.data.account_id, deleted.data.deleted_by) == (GRACE, ADA)
    assert deleted.entityversion > scene.comment_log.events[0].entityversion
    assert scene.count_store.comment_count(scene.post_id) == 0


async def test_comments_of_a_hidden_post_are_hidden(scene: Scene) -> None:
    comment = (await scene.comment(GRACE, "First")).comment.id
    await scene.consume(account(ADA, private=True, version=2))
    for who in (GRACE, LINUS):
        with pytest.raises(PostNotFound):
            await scene.texts(who)
        with pytest.raises(PostNotFound):
            await scene.comment(who, "Hello")
        with pytest.raises(CommentNotFound):
            await scene.comment_queries.comment(who, comment)
    with pytest.raises(CommentNotFound):
        await scene.comments.delete_comment(LINUS, comment)
    assert await scene.texts(ADA) == ["First"]


HIDING = [blocked(ADA, GRACE), blocked(GRACE, ADA), account(ADA, private=True, version=2)]


@pytest.mark.parametrize("hiding", HIDING, ids=["blocked", "blocker", "private"])
@pytest.mark.parametrize("who", [ADA, GRACE])
async def test_authors_delete_comments_whatever_they_see(scene: Scene, hiding: Envelope[Event], who: int) -> None:
    """The author of the comment, and that of the post, who may have blocked each other."""
    first = await scene.comment(GRACE, "First")
    reply = await scene.comment(LINUS, "Reply", first)
    await scene.consume(hiding)
    for _ in range(2):
        await scene.delete(who, first)
    assert await scene.texts(ADA) == []
    assert scene.count_store.comment_count(scene.post_id) == 0
    await scene.delete(who if who == ADA else LINUS, reply)  # gone with its parent


async def test_authors_delete_comments_of_a_deleted_post(scene: Scene) -> None:
    first, second = [await scene.comment(who, "Hello") for who in (GRACE, LINUS)]
    await scene.posts.delete_post(ADA, scene.post_id)
    await scene.delete(GRACE, first)
    with pytest.raises(CommentNotFound):
        await scene.delete(GRACE, second)
    await scene.delete(ADA, second)
    deleted = [event.data.comment_id for event in scene.comment_log.events if isinstance(event.data, CommentDeleted)]
    assert deleted == [first.comment.id, second.comment.id]


@pytest.mark.parametrize("pair", [(ADA, GRACE), (GRACE, ADA)], ids=["by the post's author", "by the commenter"])
async def test_a_block_hides_comments_on_the_posts_of_either_from_everybody(
    scene: Scene, pair: tuple[int, int]
) -> None:
    hidden, shown = await scene.comment(GRACE, "Grace"), await scene.comment(LINUS, "Linus")
    await scene.comment(LINUS, "To Grace", hidden)
    await scene.comment(GRACE, "To Linus", shown)
    await scene.consume(blocked(*pair))
    for viewer in (None, LINUS, ADA):
        assert await scene.texts(viewer) == ["Linus"]
        assert await scene.reply_texts(viewer, shown.comment.id) == []
        with pytest.raises(CommentNotFound):
            await scene.reply_texts(viewer, hidden.comment.id)
    with pytest.raises(UnknownComment):
        await scene.comment(LINUS, "Again to Grace", hidden)
    with pytest.raises(CommentNotFound):
        await scene.likes.like_comment(LINUS, hidden.comment.id)
    assert scene.count_store.comment_count(scene.post_id) == 4  # counts include what a block hides
    await scene.consume(unblocked(*pair, 2))
    assert await scene.texts(None) == ["Linus", "Grace"]


async def test_a_block_between_commenters_hides_threads(scene: Scene) -> None:
    of_grace, of_linus = await scene.comment(GRACE, "Grace"), await scene.comment(LINUS, "Linus")
    reply = await scene.comment(ADA, "To Grace", of_grace)
    await scene.comment(LINUS, "Also to Grace", of_grace)
    await scene.consume(blocked(GRACE, LINUS))
    assert await scene.texts(GRACE) == ["Grace"]
    assert await scene.texts(LINUS) == ["Linus"]
    assert await scene.texts(ADA) == ["Linus", "Grace"]
    assert await scene.reply_texts(GRACE, of_grace.comment.id) == ["To Grace"]
    for comment in (of_grace, reply):
        with pytest.raises(CommentNotFound):
            await scene.comment_queries.comment(LINUS, comment.comment.id)
    await scene.delete(ADA, of_linus)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * (MAX_COMMENT + 1), CommentTooLong),
        (" ".join(f"@user{n}" for n in range(21)), TooManyMentions),
        ("", InvalidRequest),
        ("\n \t", InvalidRequest),
        ("\u200b", InvalidRequest),
        ("a\0b", InvalidRequest),
        ("a\u202eb", InvalidRequest),
        (" ".join(f"#t{n}" for n in range(31)), TooManyHashtags),
        ("a" * 1_000_000, CommentTooLong),
    ],
)
def test_invalid_texts(text: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        CommentText.checked(text)


async def test_a_request_succeeds_although_the_tables_are_unavailable(scene: Scene) -> None:
    scene.comment_store.unavailable = True
    await scene.comment_events.commit(comment_created(scene.post_id, scene.ids.next(), text="Kept"))
    scene.comment_store.unavailable = False
    assert await scene.texts(ADA) == []
    await scene.replay_comments()
    assert await scene.texts(ADA) == ["Kept"]
    assert scene.count_store.comment_count(scene.post_id) == 1


async def test_a_lost_acknowledgement_of_the_log(scene: Scene) -> None:
    scene.comment_log.lost = [False, True]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await scene.comment(GRACE, "Lost?")
    assert await scene.texts(ADA) == []
    await scene.replay_comments()
    assert await scene.texts(ADA) == ["Lost?"]


async def test_the_counts_are_published(scene: Scene) -> None:
    first = await scene.comment(GRACE, "First")
    await scene.comment(ADA, "Reply", first)
    await scene.replay_comments()
    await scene.counts.flush()
    [published] = scene.count_log.events
    assert isinstance(published.data, PostCounted)
    assert (published.data.post_id, published.data.post_author_id, published.data.comments) == (scene.post_id, ADA, 2)


def life(scene: Scene) -> tuple[list[Envelope[Event]], int, int]:
    """All that may happen to a post's comments; how many remain, and the comment that two of them reply to."""
    post, (kept, gone), replies = scene.post_id, (scene.ids.next(), scene.ids.next()), []
    events: list[Envelope[Event]] = [comment_created(post, kept), comment_created(post, gone)]
    for parent in (kept, kept, kept, gone, gone):
        reply = scene.ids.next()
        replies.append(reply)
        events.append(comment_created(post, reply, ADA, parent_id=parent))
    events += [comment_deleted(post, gone), comment_deleted(post, replies[0], ADA, parent_id=kept)]
    events.append(comment_deleted(post, replies[3], ADA, parent_id=gone))
    return events, 3, kept


@pytest.mark.parametrize("seed", range(12))
async def test_events_in_any_order_and_repeated(scene: Scene, seed: int) -> None:
    events, count, kept = life(scene)
    rng, left = random.Random(seed), events * 2
    rng.shuffle(left)
    while left:
        size = rng.randint(1, 6)
        await scene.consume_batch(*left[:size])
        left = left[size:]
    assert scene.count_store.comment_count(scene.post_id) == count
    assert scene.count_store.comment_count(kept) == 2
    assert await scene.texts(GRACE) == ["Lovely"]
    assert await scene.reply_texts(GRACE, kept) == ["Lovely"] * 2
    words = [cells["body"][1] for (table, _), cells in scene.comment_store.tables.cells.items() if "body" in cells]
    assert sorted(words) == [""] * 4 + ["Lovely"] * 3


@pytest.mark.parametrize("step", ["write", "tally", "replace_tally", "publish_comment_counts"])
@pytest.mark.parametrize("hit", [1, 2, 3])
async def test_a_crash_at_any_step_and_a_retry(scene: Scene, step: str, hit: int) -> None:
    events, count, kept = life(scene)
    hits = 0

    def crash(at: str) -> None:
        nonlocal hits
        hits += at == step
        if at == step and hits == hit:
            raise ConnectionError

    scene.comment_store.on_step = scene.count_store.on_step = crash
    for _ in range(2):
        for envelope in events:
            try:
                await scene.consume_batch(envelope)
            except ConnectionError:
                await scene.consume_batch(envelope)
    assert scene.count_store.comment_count(scene.post_id) == count
    assert scene.count_store.comment_count(kept) == 2


async def test_concurrent_counters(scene: Scene) -> None:
    """Each finds the others' revision, and tries again."""
    events, count, kept = life(scene)
    counters = [CommentCounter(scene.comment_store, scene.count_store, scene.clock) for _ in range(3)]
    others = [CommentEventLog(scene.comment_store, counter, MemoryLog(), scene.clock) for counter in counters]
    for envelope in events:
        work = asyncio.gather(*(other.apply([envelope]) for other in others))  # type: ignore[list-item] # comments only
        await scene.outlast(work)
    assert scene.count_store.comment_count(scene.post_id) == count
    ref = next(iter(scene.comment_store.tallies))
    stale = await scene.comment_store.tally(ref, [kept])
    await scene.comment(GRACE, "Meanwhile")
    assert not await scene.comment_store.replace_tally(ref, stale, stale)
    assert scene.count_store.comment_count(scene.post_id) == count + 1


async def commented_and_deleted(scene: Scene, many: int) -> list[Envelope[Event]]:
    """The events of many deleted comments, which are applied."""
    events: list[Envelope[Event]] = []
    for _ in range(many):
        comment_id = scene.ids.next()
        events += [comment_created(scene.post_id, comment_id), comment_deleted(scene.post_id, comment_id)]
        await scene.clock.advance(0.001)
    await scene.consume_batch(*events)
    return events


def rows_in_thread(scene: Scene) -> int:
    return sum(table == "comments_by_thread" for table, _ in scene.comment_store.tables.cells)


async def test_old_rows_of_deleted_comments_are_removed_by_a_reader_and_stay_away(scene: Scene) -> None:
    await scene.comment(GRACE, "Oldest")
    events = await commented_and_deleted(scene, 150)
    await scene.comment(LINUS, "Newest")
    assert await scene.texts(ADA) == ["Newest", "Oldest"]
    assert rows_in_thread(scene) == 152, "creations of these may still be under way"
    await scene.clock.advance(8 * 86_400)
    assert await scene.texts(ADA) == ["Newest", "Oldest"]
    assert rows_in_thread(scene) == 2
    created = [event for event in events if isinstance(event.data, CommentCreated)]
    for replayed in (created, events):
        await scene.consume_batch(*replayed)
        assert await scene.texts(ADA) == ["Newest", "Oldest"]
        words = {cells["body"][1] for (_, _), cells in scene.comment_store.tables.cells.items() if "body" in cells}
        assert words <= {"Newest", "Oldest", ""}
        assert scene.count_store.comment_count(scene.post_id) == 2
    assert rows_in_thread(scene) == 2, "the reader removes what a replay wrote"


async def test_a_page_looks_at_so_many_deleted_comments_and_the_next_goes_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photomesh_post.comments.queries._DEAD_ROWS_FOR_ONE", 1)
    monkeypatch.setattr("photomesh_post.comments.queries._CHUNK", 100)
    for number in range(3):
        await scene.comment(GRACE, str(number))
        await commented_and_deleted(scene, 600)
    found, before, pages = list[str](), None, 0
    while pages == 0 or before is not None:
        views, before = await scene.comment_queries.comments_of_post(ADA, scene.post_id, before=before, limit=2)
        found += [view.text for view in views]
        pages += 1
    assert found == ["2", "1", "0"]
    assert 4 <= pages <= 8


async def test_a_reader_succeeds_although_rows_cannot_be_removed(scene: Scene) -> None:
    await commented_and_deleted(scene, 150)
    await scene.clock.advance(8 * 86_400)

    def fail(at: str) -> None:
        if at == "remove_dead":
            raise Unavailable

    scene.comment_store.on_step = fail
    assert await scene.texts(ADA) == []
    assert rows_in_thread(scene) == 150
