"""Liking, counting and telling, with a store and a log in memory."""

from __future__ import annotations

import asyncio
import random

import pytest

from photomesh_post.comments.domain import Comment
from photomesh_post.errors import PostNotFound
from photomesh_post.likes.domain import Like, LikeEvent
from photomesh_post.likes.event_handlers import Announcements, Counting
from photomesh_post.posts.domain import Reactions
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import CommentLiked, Envelope, PostCounted, PostLiked, PostUnliked
from tests.unit.post.fake_likes import MemoryLikes
from tests.unit.post.world import ADA, GRACE, World, account, blocked

LINUS = 103


class Crash(Exception):
    """A process that ends here."""


class Scene(World):
    """A world in which the consumer counts likes when told to."""

    post_id: int

    async def count(self, *envelopes: Envelope[LikeEvent]) -> None:
        await self.counting.likes(envelopes or self.said)
        await self.announcements.tell()

    @property
    def said(self) -> list[Envelope[LikeEvent]]:
        return [e for e in self.engagement.events if isinstance(e.data, PostLiked | PostUnliked | CommentLiked)]  # type: ignore[misc] # narrowed by hand

    @property
    def told(self) -> list[PostCounted]:
        return [envelope.data for envelope in self.counts.events if isinstance(envelope.data, PostCounted)]

    async def shown(self, viewer_id: int | None) -> Reactions:
        return (await self.views.post(viewer_id, self.post_id)).reactions

    async def like(self, viewer_id: int, liked: bool = True) -> Reactions:
        return await self.liking.post(viewer_id, self.post_id, liked)


@pytest.fixture
async def scene() -> Scene:
    scene = Scene()
    await scene.consume(account(ADA), account(GRACE), account(LINUS))
    scene.post_id = await scene.post(await scene.photo())
    await scene.replay()
    return scene


def assert_right(store: MemoryLikes, subject_id: int, likers: set[int]) -> None:
    """Rows, their counts and what is shown agree."""
    buckets = {number: bucket for (subject, number), bucket in store.buckets.items() if subject == subject_id}
    assert {a for bucket in buckets.values() for a, like in bucket.likes.items() if like.liked} == likers
    for bucket in buckets.values():
        assert bucket.count == sum(like.liked for like in bucket.likes.values())
    assert {number: count for number, (_, count) in store.shown[subject_id].items()} == {
        number: bucket.count for number, bucket in buckets.items()
    }


async def test_a_like_shows_to_its_author_at_once_and_to_others_when_it_is_counted(scene: Scene) -> None:
    assert await scene.like(GRACE) == Reactions(1, 0, True)
    assert await scene.shown(GRACE) == Reactions(1, 0, True)
    assert await scene.shown(LINUS) == Reactions(0, 0, False)
    await scene.count()
    assert await scene.shown(GRACE) == Reactions(1, 0, True)
    assert await scene.shown(LINUS) == Reactions(1, 0, False)
    assert await scene.shown(None) == Reactions(1, 0, None)
    assert [(told.likes, told.comments, told.post_author_id) for told in scene.told] == [(1, 0, ADA)]


async def test_taking_it_back(scene: Scene) -> None:
    await scene.like(GRACE)
    await scene.count()
    assert await scene.like(GRACE, False) == Reactions(0, 0, False)
    assert await scene.shown(GRACE) == Reactions(0, 0, False)
    assert await scene.shown(LINUS) == Reactions(1, 0, False)
    await scene.count()
    assert await scene.shown(LINUS) == Reactions(0, 0, False)
    assert_right(scene.likes, scene.post_id, set())


@pytest.mark.parametrize("counted", [True, False])
async def test_what_is_so_already_is_no_event(scene: Scene, counted: bool) -> None:
    assert await scene.like(LINUS, False) == Reactions(0, 0, False)
    for _ in range(3):
        assert await scene.like(GRACE) == Reactions(1, 0, True)
        if counted:
            await scene.count()
    for _ in range(3):
        assert await scene.like(GRACE, False) == Reactions(0, 0, False)
    assert scene.engagement.types() == ["liked", "unliked"]


async def test_versions_of_a_pair_grow_although_the_clock_stands(scene: Scene) -> None:
    for n in range(6):
        await scene.like(GRACE, n % 2 == 0)
    versions = [envelope.entityversion for envelope in scene.engagement.events]
    assert versions == sorted(set(versions))
    await scene.count()
    assert_right(scene.likes, scene.post_id, set())


async def test_what_one_cannot_see_one_cannot_like(scene: Scene) -> None:
    await scene.consume(blocked(ADA, GRACE))
    for liked in (True, False):
        with pytest.raises(PostNotFound):
            await scene.like(GRACE, liked)
        with pytest.raises(PostNotFound):
            await scene.liking.post(LINUS, 12345, liked)
    assert scene.engagement.events == []
    with pytest.raises(PostNotFound):
        await scene.liking.of_post(GRACE, scene.post_id, after=None, limit=5)


async def test_a_crash_between_the_log_and_ones_own_row(scene: Scene) -> None:
    """The like has happened, although nobody was told: it shows once it is counted, and can be taken back."""

    def crash(step: str) -> None:
        if step == "say":
            raise Crash

    scene.likes.on_step = crash
    with pytest.raises(Crash):
        await scene.like(GRACE)
    scene.likes.on_step = lambda step: None
    assert scene.engagement.types() == ["liked"]
    await scene.count()
    assert await scene.shown(GRACE) == Reactions(1, 0, True)
    assert await scene.like(GRACE, False) == Reactions(0, 0, False)
    await scene.count()
    assert await scene.shown(LINUS) == Reactions(0, 0, False)


@pytest.mark.parametrize("arrived", [True, False])
async def test_an_answer_of_the_log_that_is_lost(scene: Scene, arrived: bool) -> None:
    scene.engagement.lost = [arrived]
    with pytest.raises(Unavailable):
        await scene.like(GRACE)
    assert await scene.like(GRACE) == Reactions(1, 0, True)
    await scene.count()
    assert_right(scene.likes, scene.post_id, {GRACE})
    assert await scene.shown(LINUS) == Reactions(1, 0, False)


@pytest.mark.parametrize("step", ["bucket", "replace_bucket", "show", "counts", "number"])
@pytest.mark.parametrize("hit", [1, 2, 5])
async def test_the_consumer_ends_at_any_step_and_begins_again(scene: Scene, step: str, hit: int) -> None:
    for viewer_id in range(1000, 1040):
        await scene.like(viewer_id)
    for viewer_id in range(1000, 1010):
        await scene.like(viewer_id, False)
    hits = iter(range(1, 1000))

    def crash(at: str) -> None:
        if at == step and next(hits) >= hit:
            raise Crash

    scene.likes.on_step = crash
    try:
        await scene.count()
    except Crash:
        assert step in ("bucket", "replace_bucket", "show", "counts", "number")
    await asyncio.sleep(0)
    scene.likes.on_step = lambda step: None
    again = World(likes=scene.likes, counts=scene.counts)
    await again.counting.likes(scene.said)
    await again.announcements.tell()
    assert_right(scene.likes, scene.post_id, set(range(1010, 1040)))
    assert scene.told[-1].likes == 30


@pytest.mark.parametrize("seed", range(5))
async def test_two_writers_at_once(scene: Scene, seed: int) -> None:
    """Of which one does not know yet that its partitions are another's."""
    people = range(2000, 2200)
    for viewer_id in people:
        await scene.like(viewer_id)
    for viewer_id in people[:50]:
        await scene.like(viewer_id, False)
    events, randomness = scene.said, random.Random(seed)
    zombie = World(likes=scene.likes, counts=scene.counts)

    async def work(counting: Counting, announcements: Announcements) -> None:
        start = randomness.randrange(40)
        while start < len(events):
            size = randomness.randrange(1, 80)
            await counting.likes(events[max(0, start - 20) : start + size])
            await announcements.tell()
            start += size

    await scene.count(*events[:40])
    await asyncio.gather(
        work(scene.counting, scene.announcements),
        work(zombie.counting, zombie.announcements),
        work(scene.counting, scene.announcements),
    )
    assert_right(scene.likes, scene.post_id, set(people[50:]))
    versions = [envelope.entityversion for envelope in scene.counts.events]
    latest = max(scene.counts.events, key=lambda envelope: envelope.entityversion)
    assert versions
    assert isinstance(latest.data, PostCounted)
    assert latest.data.likes == 150


async def test_what_could_not_be_told_is_told_later_and_once(scene: Scene) -> None:
    await scene.like(GRACE)
    await scene.counting.likes(scene.said)
    scene.counts.lost = [False, True]
    for _ in range(2):
        with pytest.raises(Unavailable):
            await scene.announcements.tell()
    await scene.announcements.tell()
    await scene.announcements.tell()
    versions = [envelope.entityversion for envelope in scene.counts.events]
    assert len(versions) == 2
    assert versions[0] < versions[1]


async def test_many_changes_in_a_moment_are_told_once(scene: Scene) -> None:
    for viewer_id in range(3000, 3100):
        await scene.like(viewer_id)
    for envelope in scene.said:
        await scene.counting.likes([envelope])
    await scene.announcements.tell()
    assert [told.likes for told in scene.told] == [100]


async def test_likes_of_comments_are_counted_apart(scene: Scene) -> None:
    comment = Comment(scene.ids.next(), scene.post_id, ADA)
    assert await scene.liking.comment(GRACE, comment, ADA, True) == Reactions(1, 0, True)
    await scene.count()
    shown = await scene.liking.reactions(LINUS, [comment.id, scene.post_id])
    assert shown == {comment.id: Reactions(1, 0, False), scene.post_id: Reactions(0, 0, False)}
    assert await scene.liking.comment(GRACE, comment, ADA, False) == Reactions(0, 0, False)
    assert scene.told == []


async def test_the_accounts_that_like_a_post(scene: Scene) -> None:
    people = list(range(4000, 4050))
    for viewer_id in (*people, GRACE):
        await scene.like(viewer_id)
    await scene.count()
    await scene.like(LINUS)
    await scene.consume(blocked(4003, LINUS), blocked(LINUS, 4004))
    for viewer, expected in (
        (LINUS, {*people, GRACE, LINUS} - {4003, 4004}),
        (GRACE, {*people, GRACE}),
        (None, {*people, GRACE}),
    ):
        seen: list[int] = []
        after: tuple[int, int] | None = None
        while True:
            page, after = await scene.liking.of_post(viewer, scene.post_id, after=after, limit=7)
            assert len(page) <= 7
            seen += [account.id for account in page]
            await scene.count()  # LINUS' like becomes a row while the pages are read
            if after is None:
                break
        expected = expected | {LINUS} if viewer is not LINUS and LINUS in seen else expected
        assert sorted(seen) == sorted(expected)
        assert viewer is None or seen[0] == viewer


async def test_a_store_that_is_away_is_waited_for(scene: Scene) -> None:
    await scene.like(GRACE)
    scene.likes.away = True
    with pytest.raises(Unavailable):
        await scene.count()
    scene.likes.away = False
    await scene.count()
    assert scene.likes.own[GRACE, scene.post_id] > Like()
    assert_right(scene.likes, scene.post_id, {GRACE})


async def test_a_failure_in_the_middle_forgets_nobody(scene: Scene) -> None:
    posts = range(1, 101)
    for post_id in posts:
        scene.announcements.changed(post_id, ADA)
    scene.counts.lost = [True] * 40
    failures = 0
    while len({told.post_id for told in scene.told}) < len(posts) or failures == 0:
        try:
            await scene.announcements.tell()
        except Unavailable:
            failures += 1
    assert failures == 40
    await scene.announcements.tell()
    assert {told.post_id for told in scene.told} == set(posts)
