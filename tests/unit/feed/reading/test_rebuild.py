"""Rebuilds: one start for all readers, one fill for all processes, and what is left when they fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from photomesh_feed.errors import FeedsBusy, SourceUnavailable
from photomesh_feed.reading.rebuild import FeedRebuilder
from photomesh_feed.reading.timeline_merger import TimelineMerger
from photomesh_feed.store import keys
from photomesh_feed.store.filler import FeedFiller
from photomesh_feed.store.reader import FeedReader
from tests.support.clock import FakeClock
from tests.support.feed.events import user_followed, user_unfollowed
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import WriteSide
from tests.support.waiting import eventually

READER, ADA, GRACE, LINUS = 1, 2, 3, 4
POSTS = [(1 << 50) + (number << 22) for number in range(30)]


@pytest.fixture
async def rebuilder(redis: Redis, sources: InMemorySources, clock: FakeClock) -> AsyncIterator[FeedRebuilder]:
    reader, filler = FeedReader(redis), FeedFiller(redis)
    made = FeedRebuilder(filler, reader, sources, TimelineMerger(reader, filler, sources), clock)
    yield made
    await made.close()


async def marker(redis: Redis) -> bytes | None:
    found: Any = await redis.zrange(keys.feed(READER), 0, 0)
    return found[0] if found else None


async def test_start_marks_the_feed_and_loads_follows(
    rebuilder: FeedRebuilder, redis: Redis, sources: InMemorySources
) -> None:
    sources.follow(READER, [ADA, GRACE])
    sources.muted[READER][GRACE] = 1
    sources.ended[READER][LINUS] = 5
    await rebuilder.start(READER)
    assert await marker(redis) == keys.INCOMPLETE.encode()
    assert await FeedReader(redis).authors(READER) == [ADA]
    assert await redis.hgetall(keys.follow_versions(READER)) == {b"0": b"0", b"2": b"1", b"3": b"1", b"4": b"5"}


async def test_concurrent_readers_share_a_start(rebuilder: FeedRebuilder, sources: InMemorySources) -> None:
    await asyncio.gather(*(rebuilder.start(READER) for _ in range(100)))
    assert sources.calls["relations"] == 1


async def test_readers_beyond_the_queue_are_shed(rebuilder: FeedRebuilder, sources: InMemorySources) -> None:
    sources.gate.clear()
    waiting = [asyncio.create_task(rebuilder.start(account)) for account in range(512)]
    await asyncio.sleep(0)
    with pytest.raises(FeedsBusy):
        await rebuilder.start(10_000)
    sources.gate.set()
    await asyncio.gather(*waiting)


async def test_list_is_filled_once(rebuilder: FeedRebuilder, redis: Redis, sources: InMemorySources) -> None:
    sources.follow(READER, [ADA])
    for post in POSTS:
        sources.publish(post, ADA)
    await rebuilder.start(READER)
    for _ in range(3):
        rebuilder.fill_in_background(READER, {})
    await eventually(lambda: marker(redis), until=lambda it: it == keys.COMPLETE.encode())
    assert await WriteSide(redis, sources).lists.feed(READER) == [*reversed(POSTS)]
    sources.calls.clear()
    await rebuilder.start(READER)
    assert not sources.calls  # it is complete


async def test_another_process_fills_the_list(rebuilder: FeedRebuilder, redis: Redis) -> None:
    await redis.set(keys.fill_lock(READER), "theirs")
    await rebuilder.start(READER)
    rebuilder.fill_in_background(READER, {})
    await asyncio.sleep(0.05)
    assert await marker(redis) == keys.INCOMPLETE.encode()
    assert await redis.get(keys.fill_lock(READER)) == b"theirs"


async def test_list_is_not_filled_when_its_marker_was_lost(redis: Redis, sources: InMemorySources) -> None:
    filler = FeedFiller(redis)
    await filler.begin(READER, 0)
    await filler.lock(READER, "token")
    await redis.delete(keys.feed(READER))
    merger = TimelineMerger(FeedReader(redis), filler, sources)
    assert not await filler.finish(READER, "token", await merger.newest([], None, 5))
    assert await marker(redis) is None


async def test_failed_start_is_repeated_by_the_next_read(rebuilder: FeedRebuilder, sources: InMemorySources) -> None:
    sources.unavailable = True
    with pytest.raises(SourceUnavailable):
        await rebuilder.start(READER)
    sources.unavailable = False
    await rebuilder.start(READER)
    assert sources.calls["relations"] == 2


async def test_failed_fill_leaves_the_feed_incomplete(
    rebuilder: FeedRebuilder, redis: Redis, sources: InMemorySources
) -> None:
    sources.follow(READER, [ADA])
    await rebuilder.start(READER)
    sources.unavailable = True
    rebuilder.fill_in_background(READER, {})
    await eventually(lambda: asyncio.sleep(0, sources.calls["timelines"]))
    assert await marker(redis) == keys.INCOMPLETE.encode()


async def test_events_in_the_meantime_win(rebuilder: FeedRebuilder, redis: Redis, sources: InMemorySources) -> None:
    """social-graph responds with follows of before the events."""
    sources.follow(READER, [ADA])
    write_side = WriteSide(redis, sources)
    sources.gate.clear()
    starting = asyncio.create_task(rebuilder.start(READER))
    await eventually(lambda: redis.hexists(keys.follow_versions(READER), keys.MARKER))
    sources.gate.set()
    await write_side.handle(user_unfollowed(READER, ADA, version=2), user_followed(READER, GRACE, version=1))
    await starting
    assert await FeedReader(redis).authors(READER) == [GRACE]
