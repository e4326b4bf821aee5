"""Push or pull: by the number of followers, with hysteresis, and after Redis was lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from photomesh_feed.delivery.fanout_planner import FanoutPlanner
from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.delivery.timeline_cache import TimelineCache
from photomesh_feed.store import keys
from photomesh_feed.store.writer import FeedWriter
from tests.support.clock import FakeClock
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import TaskRecorder

AUTHOR, OTHER = 7, 8
THRESHOLD = 100


@pytest.fixture
def recorder() -> TaskRecorder:
    return TaskRecorder()


@pytest.fixture
def popularity(redis: Redis, sources: InMemorySources, recorder: TaskRecorder, clock: FakeClock) -> Popularity:
    writer = FeedWriter(redis)
    planner, timelines = FanoutPlanner(sources, recorder), TimelineCache(writer, sources)
    return Popularity(writer, sources, planner, timelines, clock, threshold=THRESHOLD)


async def test_hysteresis(popularity: Popularity, redis: Redis) -> None:
    await redis.set(keys.POPULAR_KNOWN, "1")
    for followers, pushed in ((99, True), (100, False), (99, False), (90, False), (89, True), (99, True), (100, False)):
        await popularity.apply_follower_count(AUTHOR, followers)
        assert await popularity.is_pushed(AUTHOR) is pushed, followers


async def test_author_who_is_pushed_again_is_refilled_and_pulled_for_a_day(
    popularity: Popularity, redis: Redis, sources: InMemorySources, recorder: TaskRecorder, clock: FakeClock
) -> None:
    await redis.set(keys.POPULAR_KNOWN, "1")
    sources.by_author[AUTHOR] = [1 << 40, 2 << 40]
    sources.followers[AUTHOR] = [1, 2]
    await popularity.apply_follower_count(AUTHOR, 100)
    assert recorder.tasks == []
    await popularity.apply_follower_count(AUTHOR, 50)
    assert [task.data.post_id for task in recorder.tasks] == [2 << 40, 1 << 40]
    assert await redis.zscore(keys.PULLED, str(AUTHOR)) == (clock.now() + timedelta(days=1)).timestamp() * 1000
    assert await redis.scard(keys.REFILLING) == 0


async def test_unknown_popularity_is_compared_once(
    popularity: Popularity, redis: Redis, sources: InMemorySources
) -> None:
    sources.followers[AUTHOR] = list(range(1, 101))
    pushed = await asyncio.gather(*(popularity.is_pushed(AUTHOR) for _ in range(20)), popularity.is_pushed(OTHER))
    assert pushed == [False] * 20 + [True]
    assert sources.calls["popular_accounts"] == 1
    assert await redis.exists(keys.POPULAR_KNOWN)


async def test_author_who_lost_followers_unnoticed_is_pushed_again(
    popularity: Popularity, redis: Redis, sources: InMemorySources, recorder: TaskRecorder
) -> None:
    await redis.zadd(keys.PULLED, {str(AUTHOR): "+inf"})
    sources.followers[AUTHOR] = [1]
    sources.by_author[AUTHOR] = [1 << 40]
    assert await popularity.is_pushed(AUTHOR)
    assert [task.data.post_id for task in recorder.tasks] == [1 << 40]


async def test_crashed_refill_is_repeated_by_the_next_comparison(
    popularity: Popularity, redis: Redis, sources: InMemorySources, recorder: TaskRecorder
) -> None:
    await redis.sadd(keys.REFILLING, str(AUTHOR))
    sources.followers[AUTHOR] = [1]
    sources.by_author[AUTHOR] = [1 << 40]
    await popularity.is_pushed(OTHER)
    assert len(recorder.tasks) == 1
    assert await redis.scard(keys.REFILLING) == 0


async def test_readers_stop_pulling_after_a_day(
    popularity: Popularity, redis: Redis, sources: InMemorySources, clock: FakeClock
) -> None:
    await redis.set(keys.POPULAR_KNOWN, "1")
    await popularity.apply_follower_count(AUTHOR, 100)
    await popularity.apply_follower_count(AUTHOR, 1)
    await clock.advance(86_400)
    await redis.delete(keys.POPULAR_KNOWN)
    await popularity.is_pushed(AUTHOR)
    assert await redis.zscore(keys.PULLED, str(AUTHOR)) is None
