"""What other services ask about posts: counts and timelines, whatever happened and in whatever order."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from photomesh_post.posts.domain import MonthCount, PostStatus
from photomesh_shared.events import Envelope, Event
from tests.unit.post.world import ADA, GRACE, World, account, rejected, uploaded


@pytest.fixture
async def world() -> World:
    world = World()
    await world.consume(account(ADA), account(GRACE))
    return world


async def posts_of(world: World, author: int, count: int) -> list[int]:
    """Published, newest first."""
    return [await world.post(await world.photo(author), author_id=author) for _ in range(count)][::-1]


async def test_the_count_is_that_of_published_posts(world: World) -> None:
    assert await world.snapshots.published_posts(ADA) == 0
    posts = await posts_of(world, ADA, 3)
    waiting = world.ids.next()
    await world.consume(uploaded(waiting))
    await world.post(waiting)
    assert await world.snapshots.published_posts(ADA) == 3
    await world.consume(rejected(waiting))
    await world.service.delete(ADA, posts[1])
    await world.service.delete(ADA, posts[1])
    await world.clock.advance(timedelta(days=40).total_seconds())
    await posts_of(world, ADA, 2)
    assert await world.snapshots.published_posts(ADA) == 4
    assert await world.snapshots.published_posts(GRACE) == 0


@pytest.mark.parametrize("seed", range(10))
async def test_the_count_survives_any_order_and_repetition(world: World, seed: int) -> None:
    posts = await posts_of(world, ADA, 4)
    await world.service.delete(ADA, posts[0])
    events: list[Envelope[Event]] = world.log.events * 2
    random.Random(seed).shuffle(events)
    again = World()
    for envelope in events:
        await again.publishing.apply(envelope)
    assert await again.snapshots.published_posts(ADA) == 3


async def test_months_from_before_there_were_counts_are_counted_when_asked_for(world: World) -> None:
    posts = await posts_of(world, ADA, 2)
    for (table, _), cells in world.store.cells.items():
        if table == "months_by_author":
            del cells["published"]
    assert await world.snapshots.published_posts(ADA) == len(posts)


def test_a_later_count_is_known_by_its_progress() -> None:
    """Two who count at once may write in either order: the cell with the larger timestamp wins."""
    states: list[list[PostStatus | None]] = [
        [PostStatus.PROCESSING],
        [PostStatus.PUBLISHED],
        [PostStatus.PUBLISHED, PostStatus.PROCESSING],
        [PostStatus.PUBLISHED, PostStatus.FAILED],
        [PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.PROCESSING],
        [PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.PUBLISHED],
        [None, PostStatus.FAILED, PostStatus.PUBLISHED],
    ]
    counts = [MonthCount.of(state) for state in states]
    assert [count.published for count in counts] == [0, 1, 1, 1, 1, 2, 1]
    assert [count.progress for count in counts] == sorted({count.progress for count in counts})


async def test_snapshots_are_of_published_posts_only(world: World) -> None:
    first, second = await posts_of(world, ADA, 2)
    waiting = world.ids.next()
    await world.consume(uploaded(waiting))
    processing = await world.post(waiting)
    await world.service.delete(ADA, first)
    found = await world.snapshots.posts([processing, first, second, 12345, second])
    assert [post.id for post in found] == [second]


async def test_timelines_go_on_over_months_and_say_when_they_end(world: World) -> None:
    ada: list[int] = []
    grace: list[int] = []
    for posts in (3, 1, 2):
        ada = await posts_of(world, ADA, posts) + ada
        grace = await posts_of(world, GRACE, 1) + grace
        await world.clock.advance(timedelta(days=40).total_seconds())

    async def timelines(limit: int, before: int | None = None) -> dict[int, list[int]]:
        found = await world.snapshots.timelines([ADA, GRACE, 999], before=before, limit=limit)
        return {author: list(posts) for author, posts in found.items()}

    assert await timelines(2) == {ADA: ada[:2], GRACE: grace[:2], 999: []}
    assert await timelines(4) == {ADA: ada[:4], GRACE: grace, 999: []}
    assert await timelines(50) == {ADA: ada, GRACE: grace, 999: []}
    assert await timelines(2, before=ada[3]) == {ADA: ada[4:6], GRACE: [p for p in grace if p < ada[3]][:2], 999: []}
    assert await timelines(50, before=ada[-1]) == {ADA: [], GRACE: [], 999: []}


async def test_timelines_are_not_cut_short_by_deleted_and_processing_posts(world: World) -> None:
    oldest = await posts_of(world, ADA, 2)
    await world.clock.advance(timedelta(days=40).total_seconds())
    kept = await posts_of(world, ADA, 3)
    for post in await posts_of(world, ADA, 7):
        await world.service.delete(ADA, post)
    waiting = world.ids.next()
    await world.consume(uploaded(waiting))
    await world.post(waiting)
    for limit in range(1, 8):
        found = await world.snapshots.timelines([ADA], before=None, limit=limit)
        assert list(found[ADA]) == (kept + oldest)[:limit]
