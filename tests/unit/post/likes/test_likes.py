"""Liking and counting, with stores and logs in memory."""

from __future__ import annotations

import asyncio
import random

import pytest

from photomesh_post.counts.domain import Reactions
from photomesh_post.errors import CommentNotFound, PostNotFound
from photomesh_post.likes.domain import Like
from photomesh_post.likes.queries import Cursor
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import PostCounted
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, LINUS, account, blocked, unblocked


class Crash(Exception):
    """The process ends here."""


class Scene(InMemoryService):
    """One post, and a consumer that counts its likes on demand."""

    post_id: int

    async def count(self) -> None:
        """Consumes all likes, and publishes the counts."""
        await self.consume_batch(*self.like_log.events)
        await self.counts.flush()

    @property
    def published(self) -> list[PostCounted]:
        return [envelope.data for envelope in self.count_log.events if isinstance(envelope.data, PostCounted)]

    async def reactions(self, viewer_id: int | None) -> Reactions:
        return (await self.post_queries.post(viewer_id, self.post_id)).reactions

    async def like(self, account_id: int) -> Reactions:
        return await self.likes.like_post(account_id, self.post_id)

    async def unlike(self, account_id: int) -> Reactions:
        return await self.likes.unlike_post(account_id, self.post_id)

    def another_consumer(self) -> InMemoryService:
        return InMemoryService(
            clock=self.clock, like_store=self.like_store, count_store=self.count_store, count_log=self.count_log
        )


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.consume(account(ADA), account(GRACE), account(LINUS))
    scene.post_id = await scene.published_post()
    await scene.replay()
    return scene


def reactions(likes: int, liked: bool | None) -> Reactions:
    """To a post without comments that the viewer did not save."""
    return Reactions(likes, 0, liked, None if liked is None else False)


def assert_counts_are_right(service: InMemoryService, subject_id: int, likers: set[int]) -> None:
    """Rows, their counts and the copied counts agree."""
    buckets = {ref: bucket for ref, bucket in service.like_store.partitions.items() if ref.subject_id == subject_id}
    assert {a for bucket in buckets.values() for a, like in bucket.likes.items() if like.liked} == likers
    for bucket in buckets.values():
        assert bucket.count == sum(like.liked for like in bucket.likes.values())
    copied = {ref: count for ref, (_, count) in service.count_store.likes.items() if ref.subject_id == subject_id}
    assert copied == {ref: bucket.count for ref, bucket in buckets.items()}


async def test_a_like_shows_to_its_account_at_once_and_to_others_once_it_is_counted(scene: Scene) -> None:
    assert await scene.like(GRACE) == Reactions(1, 0, True)
    assert await scene.reactions(GRACE) == reactions(1, True)
    assert await scene.reactions(LINUS) == reactions(0, False)
    await scene.count()
    assert await scene.reactions(GRACE) == reactions(1, True)
    assert await scene.reactions(LINUS) == reactions(1, False)
    assert await scene.reactions(None) == reactions(1, None)
    assert [(event.likes, event.comments, event.post_author_id) for event in scene.published] == [(1, 0, ADA)]


async def test_unliking(scene: Scene) -> None:
    await scene.like(GRACE)
    await scene.count()
    assert await scene.unlike(GRACE) == Reactions(0, 0, False)
    assert await scene.reactions(GRACE) == reactions(0, False)
    assert await scene.reactions(LINUS) == reactions(1, False)
    await scene.count()
    assert await scene.reactions(LINUS) == reactions(0, False)
    assert_counts_are_right(scene, scene.post_id, set())


@pytest.mark.parametrize("counted", [True, False])
async def test_repeating_produces_no_event(scene: Scene, counted: bool) -> None:
    assert await scene.unlike(LINUS) == Reactions(0, 0, False)
    for _ in range(3):
        assert await scene.like(GRACE) == Reactions(1, 0, True)
        if counted:
            await scene.count()
    for _ in range(3):
        assert await scene.unlike(GRACE) == Reactions(0, 0, False)
    assert scene.like_log.types() == ["liked", "unliked"]


async def test_versions_grow_although_the_clock_stands_still(scene: Scene) -> None:
    for _ in range(3):
        await scene.like(GRACE)
        await scene.unlike(GRACE)
    versions = [envelope.entityversion for envelope in scene.like_log.events]
    assert versions == sorted(set(versions))
    await scene.count()
    assert_counts_are_right(scene, scene.post_id, set())


async def test_a_hidden_post_cannot_be_liked(scene: Scene) -> None:
    await scene.consume(blocked(ADA, GRACE))
    for write in (scene.likes.like_post, scene.likes.unlike_post):
        with pytest.raises(PostNotFound):
            await write(GRACE, scene.post_id)
        with pytest.raises(PostNotFound):
            await write(LINUS, 12345)
    assert scene.like_log.events == []
    with pytest.raises(PostNotFound):
        await scene.like_queries.accounts_liking(GRACE, scene.post_id, after=None, limit=5)


async def test_a_crash_between_the_log_and_the_own_row(scene: Scene) -> None:
    """The like is in the log, so it shows once it is counted, and can be taken back."""

    def crash(step: str) -> None:
        if step == "save_own_like":
            raise Crash

    scene.like_store.on_step = crash
    with pytest.raises(Crash):
        await scene.like(GRACE)
    scene.like_store.on_step = lambda step: None
    assert scene.like_log.types() == ["liked"]
    await scene.count()
    assert await scene.reactions(GRACE) == reactions(1, True)
    assert await scene.unlike(GRACE) == Reactions(0, 0, False)
    await scene.count()
    assert await scene.reactions(LINUS) == reactions(0, False)


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_lost_acknowledgement_of_the_log(scene: Scene, arrived: bool) -> None:
    scene.like_log.lost = [arrived]
    with pytest.raises(Unavailable):
        await scene.like(GRACE)
    assert await scene.like(GRACE) == Reactions(1, 0, True)
    await scene.count()
    assert_counts_are_right(scene, scene.post_id, {GRACE})
    assert await scene.reactions(LINUS) == reactions(1, False)


@pytest.mark.parametrize("step", ["bucket", "replace_bucket", "publish_like_counts", "counts", "set_version"])
@pytest.mark.parametrize("hit", [1, 2, 5])
async def test_the_consumer_crashes_at_any_step_and_another_takes_over(scene: Scene, step: str, hit: int) -> None:
    for account_id in range(1000, 1040):
        await scene.like(account_id)
    for account_id in range(1000, 1010):
        await scene.unlike(account_id)
    hits = 0

    def crash(at: str) -> None:
        nonlocal hits
        hits += at == step
        if at == step and hits >= hit:
            raise Crash

    scene.like_store.on_step = scene.count_store.on_step = crash
    try:
        await scene.count()
    except Crash:
        assert hits >= hit
    await asyncio.sleep(0)
    assert hits > 0
    scene.like_store.on_step = scene.count_store.on_step = lambda step: None
    other = scene.another_consumer()
    await other.consume_batch(*scene.like_log.events)
    await other.counts.flush()
    assert_counts_are_right(scene, scene.post_id, set(range(1010, 1040)))
    assert scene.published[-1].likes == 30


@pytest.mark.parametrize("seed", range(5))
async def test_concurrent_consumers(scene: Scene, seed: int) -> None:
    """One of them does not know yet that it has lost its partitions."""
    accounts = range(2000, 2200)
    for account_id in accounts:
        await scene.like(account_id)
    for account_id in accounts[:50]:
        await scene.unlike(account_id)
    events, rng = scene.like_log.events, random.Random(seed)

    async def work(consumer: InMemoryService) -> None:
        start = rng.randrange(40)
        while start < len(events):
            size = rng.randrange(1, 80)
            await consumer.consume_batch(*events[max(0, start - 20) : start + size])
            await consumer.counts.flush()
            start += size

    await scene.consume_batch(*events[:40])
    await asyncio.gather(*(scene.outlast(work(consumer)) for consumer in (scene, scene.another_consumer(), scene)))
    assert_counts_are_right(scene, scene.post_id, set(accounts[50:]))
    latest = max(scene.count_log.events, key=lambda envelope: envelope.entityversion)
    assert isinstance(latest.data, PostCounted)
    assert latest.data.likes == 150


async def test_likes_of_comments_are_counted_separately(scene: Scene) -> None:
    comment_id = (await scene.write_comment(ADA, scene.post_id)).comment.id
    assert await scene.likes.like_comment(GRACE, comment_id) == Reactions(1, 0, True)
    await scene.count()
    found = await scene.like_queries.reactions(LINUS, [comment_id, scene.post_id])
    assert found == {comment_id: Reactions(1, 0, False), scene.post_id: Reactions(0, 1, False)}
    assert await scene.likes.unlike_comment(GRACE, comment_id) == Reactions(0, 0, False)
    assert scene.published == []
    with pytest.raises(CommentNotFound):
        await scene.likes.like_comment(GRACE, 12345)


async def test_the_accounts_that_like_a_post(scene: Scene) -> None:
    accounts = list(range(4000, 4050))
    for account_id in (*accounts, GRACE):
        await scene.like(account_id)
    await scene.count()
    await scene.like(LINUS)
    await scene.consume(blocked(4003, LINUS), blocked(LINUS, 4004))
    for viewer, expected in (
        (LINUS, {*accounts, GRACE, LINUS} - {4003, 4004}),
        (GRACE, {*accounts, GRACE}),
        (None, {*accounts, GRACE}),
    ):
        seen: list[int] = []
        after: Cursor | None = None
        while True:
            page, after = await scene.like_queries.accounts_liking(viewer, scene.post_id, after=after, limit=7)
            assert len(page) <= 7
            seen += [account.id for account in page]
            await scene.count()  # the like of LINUS becomes a row while the pages are read
            if after is None:
                break
        expected = expected | {LINUS} if viewer is not LINUS and LINUS in seen else expected
        assert sorted(seen) == sorted(expected)
        assert viewer is None or seen[0] == viewer


async def test_likes_of_an_account_that_is_not_active_are_seen_by_nobody_else(scene: Scene) -> None:
    await scene.like(GRACE)
    await scene.count()
    await scene.consume(account(GRACE, version=2, status="deactivated"))
    for viewer, expected in ((GRACE, [GRACE]), (LINUS, []), (None, [])):
        page, _ = await scene.like_queries.accounts_liking(viewer, scene.post_id, after=None, limit=7)
        assert [found.id for found in page] == expected


@pytest.mark.parametrize("hiding", ["blocked", "blocker", "private", "deleted"])
async def test_likes_under_hidden_posts_can_be_undone(scene: Scene, hiding: str) -> None:
    comment_id = (await scene.write_comment(LINUS, scene.post_id)).comment.id
    await scene.like(GRACE)
    await scene.likes.like_comment(GRACE, comment_id)
    await scene.count()
    if hiding == "deleted":
        await scene.posts.delete_post(ADA, scene.post_id)
    elif hiding == "private":
        await scene.consume(account(ADA, private=True, version=2))
    else:
        await scene.consume(
            *(blocked(*sorted(pair, reverse=hiding == "blocker")) for pair in ((ADA, GRACE), (ADA, LINUS)))
        )
    for _ in range(2):
        assert await scene.unlike(GRACE) == Reactions(liked=False)  # no counts of what is hidden
        assert await scene.likes.unlike_comment(GRACE, comment_id) == Reactions(liked=False)
    await scene.count()
    assert scene.published[-1].likes == 0
    with pytest.raises(PostNotFound):  # never liked it
        await scene.unlike(LINUS)
    with pytest.raises(CommentNotFound):
        await scene.likes.unlike_comment(LINUS, comment_id)


@pytest.mark.parametrize("pair", [(ADA, GRACE), (GRACE, ADA)], ids=["by the post's author", "by the liker"])
async def test_a_block_hides_likes_of_the_posts_of_either_from_everybody(scene: Scene, pair: tuple[int, int]) -> None:
    await scene.like(GRACE)
    await scene.like(LINUS)
    await scene.count()
    await scene.consume(blocked(*pair))
    for viewer in (None, ADA, LINUS):
        page, _ = await scene.like_queries.accounts_liking(viewer, scene.post_id, after=None, limit=5)
        assert [account.id for account in page] == [LINUS]
        assert (await scene.reactions(viewer)).likes == 2  # counts include what a block hides
    await scene.consume(unblocked(*pair))
    page, _ = await scene.like_queries.accounts_liking(None, scene.post_id, after=None, limit=5)
    assert {account.id for account in page} == {GRACE, LINUS}


async def test_the_viewer_is_listed_once_although_the_first_page_has_room_for_nobody_else(scene: Scene) -> None:
    for account_id in (GRACE, LINUS):
        await scene.like(account_id)
    await scene.count()
    first, after = await scene.like_queries.accounts_liking(GRACE, scene.post_id, after=None, limit=1)
    rest, end = await scene.like_queries.accounts_liking(GRACE, scene.post_id, after=after, limit=5)
    assert [account.id for account in first + rest] == [GRACE, LINUS]
    assert end is None


async def test_counting_goes_on_once_the_store_is_available_again(scene: Scene) -> None:
    await scene.like(GRACE)
    scene.like_store.unavailable = True
    with pytest.raises(Unavailable):
        await scene.count()
    scene.like_store.unavailable = False
    await scene.count()
    assert scene.like_store.own[GRACE, scene.post_id] > Like()
    assert_counts_are_right(scene, scene.post_id, {GRACE})
