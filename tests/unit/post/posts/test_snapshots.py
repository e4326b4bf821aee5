"""Reads of other services: counts and timelines."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from photomesh_post.posts.domain import PostRef, PostStatus
from photomesh_post.posts.months import NEWEST, MonthCount, MonthHead, head_of
from photomesh_post.posts.projection import PostEvent
from photomesh_shared.events import Envelope
from tests.support.post.in_memory_service import InMemoryService
from tests.support.post.sample_events import ADA, GRACE, account, rejected, uploaded


@pytest.fixture
async def service() -> InMemoryService:
    service = InMemoryService()
    await service.consume(account(ADA), account(GRACE))
    return service


async def posts_of(service: InMemoryService, author: int, count: int) -> list[int]:
    """Published, newest first."""
    return [await service.create_post(await service.ready_photo(author), author_id=author) for _ in range(count)][::-1]


async def test_the_count_is_that_of_published_posts(service: InMemoryService) -> None:
    assert await service.snapshots.count_by_author(ADA) == 0
    posts = await posts_of(service, ADA, 3)
    waiting = service.ids.next()
    await service.consume(uploaded(waiting))
    await service.create_post(waiting)
    assert await service.snapshots.count_by_author(ADA) == 3
    await service.consume(rejected(waiting))
    await service.posts.delete_post(ADA, posts[1])
    await service.posts.delete_post(ADA, posts[1])
    await service.clock.advance(timedelta(days=40).total_seconds())
    await posts_of(service, ADA, 2)
    assert await service.snapshots.count_by_author(ADA) == 4
    assert await service.snapshots.count_by_author(GRACE) == 0


@pytest.mark.parametrize("seed", range(10))
async def test_the_count_survives_any_order_and_repetition(service: InMemoryService, seed: int) -> None:
    posts = await posts_of(service, ADA, 4)
    await service.posts.delete_post(ADA, posts[0])
    events: list[Envelope[PostEvent]] = service.post_log.events * 2  # type: ignore[assignment] # the log holds these
    random.Random(seed).shuffle(events)
    again = InMemoryService()
    for envelope in events:
        await again.post_events.apply(envelope)
    assert await again.snapshots.count_by_author(ADA) == 3


async def test_months_without_a_count_are_counted_on_demand(service: InMemoryService) -> None:
    posts = await posts_of(service, ADA, 2)
    for (table, _), cells in service.tables.cells.items():
        if table == "months_by_author":
            del cells["published"]
    assert await service.snapshots.count_by_author(ADA) == len(posts)


def test_a_later_count_has_more_progress() -> None:
    """Concurrent counts may be written in either order: the cell with the larger timestamp wins."""
    states: list[list[PostStatus | None]] = [
        [PostStatus.PROCESSING],
        [PostStatus.PUBLISHED],
        [PostStatus.PROCESSING, PostStatus.PUBLISHED],
        [PostStatus.FAILED, PostStatus.PUBLISHED],
        [PostStatus.PROCESSING, PostStatus.FAILED, PostStatus.PUBLISHED],
        [PostStatus.PUBLISHED, PostStatus.FAILED, PostStatus.PUBLISHED],
        [PostStatus.PUBLISHED, PostStatus.FAILED, None],
    ]
    counts = [
        MonthCount.of(PostRef(len(state) - place, status) if status else None for place, status in enumerate(state))
        for state in states
    ]
    assert [count.published for count in counts] == [0, 1, 1, 1, 1, 2, 1]
    assert [count.newest for count in counts] == [(), (1,), (1,), (1,), (1,), (3, 1), (3,)]
    assert [count.progress for count in counts] == sorted({count.progress for count in counts})


@pytest.mark.parametrize(
    ("months", "limit", "all_months", "head"),
    [
        ([(9, 8), (5,)], 2, False, [9, 8]),
        ([(9, 8), (5,)], 3, False, [9, 8, 5]),
        ([(9, 8), (5,)], 4, False, None),
        ([(9, 8), (5,)], 4, True, [9, 8, 5]),
        ([(9, 8), None], 2, True, [9, 8]),
        ([(9, 8), None], 3, True, None),
        ([(), (5,)], 1, True, [5]),
        ([], 4, True, []),
    ],
)
def test_the_head_of_a_timeline_is_in_the_counts(
    months: list[tuple[int, ...] | None], limit: int, all_months: bool, head: list[int] | None
) -> None:
    known = [MonthHead(12 - number, newest) for number, newest in enumerate(months)]
    assert head_of(known, limit, all_months=all_months) == head


async def test_heads_are_those_of_the_pages(service: InMemoryService) -> None:
    """More posts than a count keeps, deleted ones, a month without a count, and more months than are looked at."""
    ada: list[int] = []
    for month in range(15):
        ada = await posts_of(service, ADA, 25 if month in (3, 14) else 1) + ada
        await service.clock.advance(timedelta(days=32).total_seconds())
    for post in ada[2:30:3]:
        await service.posts.delete_post(ADA, post)
        ada.remove(post)
    for limit in (1, 19, NEWEST, NEWEST + 1):
        found = await service.snapshots.timelines([ADA, GRACE], before=None, limit=limit)
        assert {author: list(posts) for author, posts in found.items()} == {ADA: ada[:limit], GRACE: []}
    for (table, _), cells in service.tables.cells.items():
        if table == "months_by_author":
            del cells["newest"]
    assert list((await service.snapshots.timelines([ADA], before=None, limit=20))[ADA]) == ada[:20]


async def test_snapshots_are_of_published_posts_only(service: InMemoryService) -> None:
    first, second = await posts_of(service, ADA, 2)
    waiting = service.ids.next()
    await service.consume(uploaded(waiting))
    processing = await service.create_post(waiting)
    await service.posts.delete_post(ADA, first)
    found, _ = await service.snapshots.posts([processing, first, second, 12345, second])
    assert [post.id for post in found] == [second]


async def test_timelines_span_months(service: InMemoryService) -> None:
    ada: list[int] = []
    grace: list[int] = []
    for posts in (3, 1, 2):
        ada = await posts_of(service, ADA, posts) + ada
        grace = await posts_of(service, GRACE, 1) + grace
        await service.clock.advance(timedelta(days=40).total_seconds())

    async def timelines(limit: int, before: int | None = None) -> dict[int, list[int]]:
        found = await service.snapshots.timelines([ADA, GRACE, 999], before=before, limit=limit)
        return {author: list(posts) for author, posts in found.items()}

    assert await timelines(2) == {ADA: ada[:2], GRACE: grace[:2], 999: []}
    assert await timelines(4) == {ADA: ada[:4], GRACE: grace, 999: []}
    assert await timelines(50) == {ADA: ada, GRACE: grace, 999: []}
    assert await timelines(2, before=ada[3]) == {ADA: ada[4:6], GRACE: [p for p in grace if p < ada[3]][:2], 999: []}
    assert await timelines(50, before=ada[-1]) == {ADA: [], GRACE: [], 999: []}


async def test_deleted_and_processing_posts_do_not_shorten_timelines(service: InMemoryService) -> None:
    oldest = await posts_of(service, ADA, 2)
    await service.clock.advance(timedelta(days=40).total_seconds())
    kept = await posts_of(service, ADA, 3)
    for post in await posts_of(service, ADA, 7):
        await service.posts.delete_post(ADA, post)
    waiting = service.ids.next()
    await service.consume(uploaded(waiting))
    await service.create_post(waiting)
    for limit in range(1, 8):
        found = await service.snapshots.timelines([ADA], before=None, limit=limit)
        assert list(found[ADA]) == (kept + oldest)[:limit]
