"""Comments: who says what where, who sees it, and that they are counted."""

from __future__ import annotations

import random

import pytest

from photomesh_post.comments.domain import CommentView
from photomesh_post.comments.event_log import Commenting
from photomesh_post.errors import (
    CommentNotFound,
    CommentTooLong,
    NotYourComment,
    PostNotFound,
    TooManyMentions,
    UnknownComment,
)
from photomesh_post.posts.captions import MAX_COMMENT, CommentText
from photomesh_shared.errors import InvalidRequest, Unavailable
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope, Event, PostCounted
from tests.unit.post.fake_comments import MemoryComments
from tests.unit.post.fakes import Log
from tests.unit.post.talk import Talk, commented, uncommented
from tests.unit.post.world import ADA, GRACE, account, blocked

LINUS = 103


class Scene(Talk):
    post_id: int

    async def begin(self) -> None:
        await self.consume(account(ADA), account(GRACE), account(LINUS))
        self.post_id = await self.published()

    async def says(self, who: int, text: str, parent: CommentView | None = None) -> CommentView:
        return await self.comment(who, self.post_id, text, parent.comment.id if parent else None)


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.begin()
    return scene


async def test_a_thread(scene: Scene) -> None:
    first = await scene.says(GRACE, "First @ada")
    second = await scene.says(ADA, "Second")
    reply = await scene.says(ADA, "Reply", first)
    deeper = await scene.says(GRACE, "Deeper", reply)
    assert deeper.comment.parent_id == reply.comment.parent_id == first.comment.id
    assert await scene.texts(LINUS, scene.post_id) == ["Second", "First @ada"]
    assert await scene.replies(None, first.comment.id) == ["Reply", "Deeper"]
    assert await scene.replies(None, reply.comment.id) == []
    assert scene.comment_rows.shown_count(scene.post_id) == 4
    assert scene.comment_rows.shown_count(first.comment.id) == 2
    assert scene.comment_rows.shown_count(second.comment.id) == 0
    event = scene.said.events[0].data
    assert isinstance(event, CommentCreated)
    assert (event.post_author_id, event.mentions, event.parent_author_id) == (ADA, ("ada",), None)
    last = scene.said.events[-1].data
    assert isinstance(last, CommentCreated)
    assert last.parent_author_id == GRACE


async def test_pages(scene: Scene) -> None:
    views = [await scene.says(GRACE, str(number)) for number in range(5)]
    found, last = await scene.comments.of_post(ADA, scene.post_id, before=None, limit=2)
    await scene.says(ADA, "new")
    await scene.comments.delete(GRACE, views[3].comment.id)
    rest, end = await scene.comments.of_post(ADA, scene.post_id, before=last, limit=3)
    assert [view.text for view in found + rest] == ["4", "3", "2", "1", "0"]
    assert end is None
    found, last = await scene.comments.of_post(ADA, scene.post_id, before=None, limit=5)
    assert last is None


async def test_a_page_of_many_hidden_ones_goes_on(scene: Scene) -> None:
    await scene.says(LINUS, "seen")
    for number in range(12):
        await scene.says(GRACE, str(number))
    await scene.consume(blocked(GRACE, ADA + 1000), blocked(GRACE, LINUS))
    found, last = await scene.comments.of_post(LINUS, scene.post_id, before=None, limit=1)
    assert ([view.text for view in found], last) == (["seen"], None)


async def test_a_reply_goes_to_a_comment_of_the_post_that_one_sees(scene: Scene) -> None:
    elsewhere = await scene.comment(GRACE, await scene.published(), "Elsewhere")
    gone, hidden = await scene.says(GRACE, "Gone"), await scene.says(LINUS, "Hidden")
    await scene.comments.delete(GRACE, gone.comment.id)
    await scene.consume(blocked(GRACE, LINUS))
    for parent_id in (elsewhere.comment.id, gone.comment.id, hidden.comment.id, 12345):
        with pytest.raises(UnknownComment):
            await scene.comment(GRACE, scene.post_id, "Reply", parent_id)


async def test_who_may_delete(scene: Scene) -> None:
    first = await scene.says(GRACE, "First")
    reply = await scene.says(ADA, "Reply", first)
    with pytest.raises(NotYourComment):
        await scene.comments.delete(LINUS, first.comment.id)
    await scene.comments.delete(ADA, first.comment.id)
    for who, comment in ((ADA, first), (GRACE, first), (ADA, reply)):
        await scene.comments.delete(who, comment.comment.id)
    for comment in (first, reply):
        with pytest.raises(CommentNotFound):
            await scene.comments.delete(LINUS, comment.comment.id)
    assert scene.said.types() == ["created", "created", "deleted"]
    deleted = scene.said.events[-1]
    assert isinstance(deleted.data, CommentDeleted)
    assert (deleted.data.account_id, deleted.data.deleted_by) == (GRACE, ADA)
    assert deleted.entityversion > scene.said.events[0].entityversion
    assert scene.comment_rows.shown_count(scene.post_id) == 0


async def test_what_is_under_a_hidden_post_is_absent(scene: Scene) -> None:
    comment = (await scene.says(GRACE, "First")).comment.id
    await scene.consume(account(ADA, private=True, version=2))
    for who in (GRACE, LINUS):
        with pytest.raises(PostNotFound):
            await scene.texts(who, scene.post_id)
        with pytest.raises(PostNotFound):
            await scene.says(who, "Hello")
        for use in (scene.comments.find, scene.comments.delete):
            with pytest.raises(CommentNotFound):
                await use(who, comment)
    assert await scene.texts(ADA, scene.post_id) == ["First"]


async def test_a_block_between_commenters_hides_threads(scene: Scene) -> None:
    of_grace, of_linus = await scene.says(GRACE, "Grace"), await scene.says(LINUS, "Linus")
    reply = await scene.says(ADA, "To Grace", of_grace)
    await scene.says(LINUS, "Also to Grace", of_grace)
    await scene.consume(blocked(GRACE, LINUS))
    assert await scene.texts(GRACE, scene.post_id) == ["Grace"]
    assert await scene.texts(LINUS, scene.post_id) == ["Linus"]
    assert await scene.texts(ADA, scene.post_id) == ["Linus", "Grace"]
    assert await scene.replies(GRACE, of_grace.comment.id) == ["To Grace"]
    for comment in (of_grace, reply):
        with pytest.raises(CommentNotFound):
            await scene.comments.find(LINUS, comment.comment.id)
    await scene.comments.delete(ADA, of_linus.comment.id)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" * (MAX_COMMENT + 1), CommentTooLong),
        (" ".join(f"@user{n}" for n in range(21)), TooManyMentions),
        ("", InvalidRequest),
        ("\n \t", InvalidRequest),
    ],
)
def test_texts_that_are_refused(text: str, problem: type[Exception]) -> None:
    with pytest.raises(problem):
        CommentText.checked(text)


async def test_a_request_whose_tables_are_away_has_happened(scene: Scene) -> None:
    scene.comment_rows.away = True
    commenting = Commenting(scene.comment_rows, scene.said, scene.clock)
    await commenting.commit(commented(scene.post_id, scene.ids.next(), text="Kept"))
    scene.comment_rows.away = False
    assert await scene.texts(ADA, scene.post_id) == []
    await scene.count()
    assert await scene.texts(ADA, scene.post_id) == ["Kept"]
    assert scene.comment_rows.shown_count(scene.post_id) == 1


async def test_what_did_not_get_into_the_log_did_not_happen(scene: Scene) -> None:
    scene.said.lost = [False, True]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await scene.says(GRACE, "Lost?")
    assert await scene.texts(ADA, scene.post_id) == []
    await scene.count()
    assert await scene.texts(ADA, scene.post_id) == ["Lost?"]


async def test_the_counts_are_told(scene: Scene) -> None:
    first = await scene.says(GRACE, "First")
    await scene.says(ADA, "Reply", first)
    await scene.count()
    await scene.announcements.tell()
    [told] = scene.counts.events
    assert isinstance(told.data, PostCounted)
    assert (told.data.post_id, told.data.post_author_id) == (scene.post_id, ADA)


def life(scene: Scene) -> tuple[list[Envelope[Event]], int, int]:
    """All that may happen to a post's comments; how many are left, and the comment that two of them reply to."""
    post, (kept, gone), replies = scene.post_id, (scene.ids.next(), scene.ids.next()), []
    events: list[Envelope[Event]] = [commented(post, kept), commented(post, gone)]
    for parent in (kept, kept, kept, gone, gone):
        reply = scene.ids.next()
        replies.append(reply)
        events.append(commented(post, reply, ADA, parent_id=parent))
    events += [uncommented(post, gone), uncommented(post, replies[0], ADA, parent_id=kept)]
    events.append(uncommented(post, replies[3], ADA, parent_id=gone))
    return events, 3, kept


@pytest.mark.parametrize("seed", range(12))
async def test_the_log_in_any_order_and_twice(scene: Scene, seed: int) -> None:
    events, count, kept = life(scene)
    rng, again = random.Random(seed), events * 2
    rng.shuffle(again)
    while again:
        together = rng.randint(1, 6)
        await scene.count(*again[:together])
        again = again[together:]
    assert scene.comment_rows.shown_count(scene.post_id) == count
    assert scene.comment_rows.shown_count(kept) == 2
    assert await scene.texts(GRACE, scene.post_id) == ["Lovely"]
    assert await scene.replies(GRACE, kept) == ["Lovely"] * 2
    words = [cells["body"][1] for (table, _), cells in scene.comment_rows.rows.cells.items() if "body" in cells]
    assert sorted(words) == [""] * 4 + ["Lovely"] * 3


@pytest.mark.parametrize("step", ["write", "tally", "replace_tally", "show_tally"])
@pytest.mark.parametrize("hit", [1, 2, 3])
async def test_a_crash_at_any_step_and_another_try(scene: Scene, step: str, hit: int) -> None:
    events, count, kept = life(scene)
    hits = 0

    def crash(at: str) -> None:
        nonlocal hits
        hits += at == step
        if at == step and hits == hit:
            raise ConnectionError

    scene.comment_rows.on_step = crash
    for _ in range(2):
        for envelope in events:
            try:
                await scene.count(envelope)
            except ConnectionError:
                await scene.count(envelope)
    assert scene.comment_rows.shown_count(scene.post_id) == count
    assert scene.comment_rows.shown_count(kept) == 2


async def test_many_who_count_at_once(scene: Scene) -> None:
    """Each finds the others' revision, and begins anew."""
    events, count, kept = life(scene)
    others = [Commenting(scene.comment_rows, Log(), scene.clock) for _ in range(3)]
    for envelope in events:
        for other in others:
            await scene.outlast(other.fold([envelope]))  # type: ignore[list-item] # comments only
    stale = MemoryComments(scene.comment_rows.rows, scene.comment_rows.tallies, scene.comment_rows.shown)
    read = await stale.tally(scene.post_id, next(iter(stale.tallies))[1], [kept])
    await scene.says(GRACE, "Meanwhile")
    assert not await stale.replace_tally(scene.post_id, next(iter(stale.tallies))[1], read, read)
    assert scene.comment_rows.shown_count(scene.post_id) == count + 1
