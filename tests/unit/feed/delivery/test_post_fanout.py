"""Fan-outs while social-graph is away: they wait, and nothing waits for them."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from photomesh_feed.delivery import post_fanout
from photomesh_feed.delivery.post_fanout import _TAKEN
from photomesh_feed.store.deferred import RedisDeferredFanouts
from photomesh_shared.errors import Unavailable
from tests.support.clock import FakeClock
from tests.support.feed.events import post_deleted, post_published
from tests.support.feed.sources import InMemorySources
from tests.support.feed.write_side import WriteSide

AUTHOR, READER = 7, 1
POST, OTHER = 1 << 40, 2 << 40


@pytest.fixture
async def write_side(redis: Redis, sources: InMemorySources, clock: FakeClock) -> WriteSide:
    write_side = WriteSide(redis, sources, clock=clock)
    await write_side.follow(AUTHOR, [READER])
    await write_side.know_since_long_ago()
    sources.unavailable = True
    return write_side


async def test_a_fan_out_is_done_when_social_graph_is_back(
    write_side: WriteSide, sources: InMemorySources, redis: Redis
) -> None:
    await write_side.handle(post_published(POST, AUTHOR))
    with pytest.raises(Unavailable):
        await write_side.handlers.fanout.run_once()
    sources.unavailable = False
    await write_side.handlers.fanout.run_once()
    await write_side.execute_tasks()
    assert await write_side.lists.feed(READER) == [POST]
    assert await RedisDeferredFanouts(redis).count() == 0


async def test_a_deletion_waits_for_no_fan_out(write_side: WriteSide, sources: InMemorySources) -> None:
    await write_side.handle(post_published(POST, AUTHOR), post_published(OTHER, AUTHOR), post_deleted(OTHER, AUTHOR))
    sources.unavailable = False
    await write_side.handlers.fanout.run_once()
    await write_side.execute_tasks()
    assert await write_side.lists.feed(READER) == [POST]


async def test_only_one_in_a_while_asks_social_graph(
    write_side: WriteSide, sources: InMemorySources, clock: FakeClock
) -> None:
    await write_side.handle(post_published(POST, AUTHOR))
    asked = sources.calls["popular_accounts"]
    await write_side.handle(post_published(OTHER, AUTHOR))
    assert sources.calls["popular_accounts"] == asked
    await clock.advance(10)
    sources.unavailable = False
    await write_side.handle(post_published(OTHER, AUTHOR))
    assert len(write_side.tasks) == 1


async def test_what_a_process_took_and_did_not_do_is_due_again(
    write_side: WriteSide, sources: InMemorySources, redis: Redis, clock: FakeClock
) -> None:
    await write_side.handle(post_published(POST, AUTHOR))
    now = clock.now()
    assert len(await RedisDeferredFanouts(redis).take(now, now + _TAKEN, 10)) == 1
    sources.unavailable = False
    await write_side.handlers.fanout.run_once()
    assert write_side.tasks == []
    await clock.advance(_TAKEN.total_seconds())
    await write_side.handlers.fanout.run_once()
    assert len(write_side.tasks) == 1


async def test_a_record_waits_when_too_many_are_deferred(
    write_side: WriteSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post_fanout, "MAX_DEFERRED", 1)
    await write_side.handle(post_published(POST, AUTHOR))
    with pytest.raises(Unavailable):
        await write_side.handle(post_published(OTHER, AUTHOR))
