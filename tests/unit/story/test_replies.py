"""Replies to stories, over stores in memory and an injected clock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import AccountErasureRequested, Envelope, Event, StoryReplyCreated, StoryReplyDeleted
from photomesh_story.errors import AlreadyReplied, OwnStory, StoryNotFound
from photomesh_story.replies.domain import MAX_REPLY, Reply, checked_reply
from photomesh_story.stories.domain import Audience
from tests.support.story.scene import ADA, GRACE, LINUS, Scene


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.follow(GRACE, ADA)
    return scene


async def read(scene: Scene, viewer: int, story_id: int) -> list[tuple[int, str]]:
    shown, _ = await scene.reply_queries.replies(viewer, story_id, None, 50)
    return [(account.id, reply.text) for account, reply in shown]


async def test_the_author_and_the_replier_alone_read_a_reply(scene: Scene) -> None:
    await scene.follow(LINUS, ADA)
    story = await scene.publish(ADA)
    await scene.reply_service.reply(GRACE, story.story_id, "What a light!")
    assert await read(scene, ADA, story.story_id) == [(GRACE, "What a light!")]
    assert await read(scene, GRACE, story.story_id) == [(GRACE, "What a light!")]
    assert await read(scene, LINUS, story.story_id) == []
    with pytest.raises(StoryNotFound):
        await read(scene, 4_001, story.story_id)


async def test_who_does_not_see_a_story_cannot_reply(scene: Scene) -> None:
    story = await scene.publish(ADA, Audience.CLOSE_FRIENDS)
    for stranger in (GRACE, LINUS):
        with pytest.raises(StoryNotFound):
            await scene.reply_service.reply(stranger, story.story_id, "hello")
    await scene.befriend(ADA, GRACE)
    await scene.reply_service.reply(GRACE, story.story_id, "hello")
    with pytest.raises(OwnStory):
        await scene.reply_service.reply(ADA, story.story_id, "hello")
    scene.wait(hours=24)
    with pytest.raises(StoryNotFound):
        await scene.reply_service.reply(GRACE, story.story_id, "hello")


async def test_the_same_text_again_is_the_same_reply_and_another_is_refused(scene: Scene) -> None:
    story = await scene.publish(ADA)
    first = await scene.reply_service.reply(GRACE, story.story_id, "hello")
    scene.wait(minutes=1)
    assert await scene.reply_service.reply(GRACE, story.story_id, "hello") == first
    with pytest.raises(AlreadyReplied):
        await scene.reply_service.reply(GRACE, story.story_id, "once more")
    await scene.reply_service.withdraw(GRACE, story.story_id)
    await scene.reply_service.reply(GRACE, story.story_id, "once more")
    await scene.replay()
    assert await read(scene, ADA, story.story_id) == [(GRACE, "once more")]


async def test_either_side_deletes_a_reply_for_good(scene: Scene) -> None:
    story = await scene.publish(ADA)
    by_writer = partial(scene.reply_service.withdraw, GRACE, story.story_id)
    by_author = partial(scene.reply_service.remove, ADA, story.story_id, GRACE)
    ends: tuple[Callable[[], Awaitable[None]], ...] = (by_writer, by_author)
    for end in ends:
        await scene.reply_service.reply(GRACE, story.story_id, "hello")
        for _ in range(2):
            await end()
        await scene.replay()
        assert await read(scene, ADA, story.story_id) == []
        scene.wait(minutes=1)
    with pytest.raises(StoryNotFound):
        await scene.reply_service.remove(GRACE, story.story_id, GRACE)
    created, deleted = (
        [one for one in scene.publisher.events if isinstance(one.data, kind)]
        for kind in (StoryReplyCreated, StoryReplyDeleted)
    )
    assert [after.entityversion > before.entityversion for before, after in zip(created, deleted, strict=True)] == [
        True,
        True,
    ]


async def test_a_reply_can_be_withdrawn_when_the_story_is_not_seen_any_more(scene: Scene) -> None:
    story = await scene.publish(ADA)
    await scene.reply_service.reply(GRACE, story.story_id, "hello")
    scene.accounts.apart.add((ADA, GRACE))
    assert await read(scene, ADA, story.story_id) == []
    await scene.reply_service.withdraw(GRACE, story.story_id)
    scene.accounts.apart.clear()
    assert await read(scene, ADA, story.story_id) == []


async def test_the_author_reads_replies_when_the_story_is_over(scene: Scene) -> None:
    story = await scene.publish(ADA)
    await scene.reply_service.reply(GRACE, story.story_id, "hello")
    scene.wait(hours=25)
    assert await read(scene, ADA, story.story_id) == [(GRACE, "hello")]
    with pytest.raises(StoryNotFound):
        await read(scene, GRACE, story.story_id)


async def test_deleting_a_story_takes_its_replies_along_in_any_order(scene: Scene) -> None:
    story = await scene.publish(ADA)
    await scene.reply_service.reply(GRACE, story.story_id, "hello")
    await scene.service.delete(ADA, story.story_id)
    await scene.replay()
    assert await scene.replies.of_account(GRACE) == []
    with pytest.raises(StoryNotFound):
        await read(scene, ADA, story.story_id)


async def test_pages_neither_repeat_nor_skip(scene: Scene) -> None:
    story = await scene.publish(ADA)
    people = list(range(3_000, 3_023))
    for number, account in enumerate(people):
        await scene.follow(account, ADA)
        await scene.reply_service.reply(account, story.story_id, f"reply {number}")
        scene.time.ms += number % 2  # some at the same moment
    scene.accounts.hidden.add(3_004)
    after, found = None, []
    while True:
        page, after = await scene.reply_queries.replies(ADA, story.story_id, after, 5)
        found += [account.id for account, _ in page]
        if after is None:
            break
    assert found == [account for account in reversed(people) if account != 3_004]


async def test_erasure_of_either_side_ends_replies(scene: Scene) -> None:
    story = await scene.publish(ADA)
    await scene.follow(LINUS, ADA)
    for account in (GRACE, LINUS):
        await scene.reply_service.reply(account, story.story_id, f"of {account}")
    await erase(scene, GRACE)
    assert await read(scene, ADA, story.story_id) == [(LINUS, f"of {LINUS}")]
    await erase(scene, ADA)
    assert await scene.replies.of_account(LINUS) == []


async def erase(scene: Scene, account_id: int) -> None:
    event = AccountErasureRequested.example().model_copy(update={"user_id": account_id})
    await scene.eraser.erase(Envelope.of(event, entityversion=1, time=scene.now))


async def test_a_lost_answer_of_the_log_loses_no_reply(scene: Scene) -> None:
    story = await scene.publish(ADA)
    scene.publisher.lost = [True]
    with pytest.raises(Unavailable):
        await scene.reply_service.reply(GRACE, story.story_id, "hello")
    await scene.replay()
    await scene.reply_service.reply(GRACE, story.story_id, "hello")
    assert await read(scene, ADA, story.story_id) == [(GRACE, "hello")]


@pytest.mark.parametrize("text", ["", " \n", "\x00", "x" * (MAX_REPLY + 1), "\u202eright to left"])
def test_texts_that_cannot_be_shown_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        checked_reply(text)


def test_a_text_is_composed() -> None:
    assert checked_reply("Cafe\u0301") == "Café"


async def _at_once(scene: Scene, story_id: int, *texts: str) -> list[Reply | BaseException]:
    """Replies of which none is in the log before all requests have looked for one; each at a moment of its own."""
    all_looked, publish = asyncio.Barrier(len(texts)), scene.publisher.publish
    looked: asyncio.Queue[None] = asyncio.Queue()

    async def published(envelope: Envelope[Event]) -> None:
        if isinstance(envelope.data, StoryReplyCreated):
            looked.put_nowait(None)
            await all_looked.wait()
        await publish(envelope)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scene.publisher, "publish", published)
        requests = []
        for text in texts:
            requests.append(asyncio.create_task(scene.reply_service.reply(GRACE, story_id, text)))
            await looked.get()
            scene.time.ms += 1
        return await asyncio.gather(*requests, return_exceptions=True)


async def test_of_replies_at_the_same_moment_the_latest_stays(scene: Scene) -> None:
    story = await scene.publish(ADA)
    same = await _at_once(scene, story.story_id, "hello", "hello", "hello")
    assert all(isinstance(one, Reply) and one.text == "hello" for one in same)
    assert await read(scene, ADA, story.story_id) == [(GRACE, "hello")]
    await scene.reply_service.withdraw(GRACE, story.story_id)

    first, second = await _at_once(scene, story.story_id, "first", "second")
    assert isinstance(second, Reply)
    assert isinstance(first, Reply | AlreadyReplied)  # it may have been there for a moment
    for _ in range(2):
        assert await read(scene, ADA, story.story_id) == [(GRACE, "second")]
        await scene.replay()


async def test_the_consumer_keeps_one_of_two_replies_whose_requests_were_killed(scene: Scene) -> None:
    story = await scene.publish(ADA)
    for text in ("first", "second"):
        scene.wait(seconds=1)
        scene.replies.rows.clear()  # as far as this request knows
        await scene.reply_service.reply(GRACE, story.story_id, text)
    for envelope in [one for one in scene.publisher.events if isinstance(one.data, StoryReplyCreated)]:
        await scene.log.apply(envelope)  # type: ignore[arg-type]
    assert len(await read(scene, ADA, story.story_id)) == 2
    await scene.replay()
    assert await read(scene, ADA, story.story_id) == [(GRACE, "second")]
    ended = [one.data for one in scene.publisher.events if isinstance(one.data, StoryReplyDeleted)]
    assert [one.account_id for one in ended] == [GRACE]
