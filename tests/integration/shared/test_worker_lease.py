"""Worker numbers of ids, leased in a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from redis.asyncio import Redis

from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import MAX_WORKER, region_of
from photomesh_shared.stores.worker_lease import LeasedIds, lease_ids
from tests.support.clock import FakeClock
from tests.support.redis import as_administrator
from tests.support.waiting import eventually

Environment = Callable[[str], Mapping[str, str]]
REGION = 15  # no deployable of the test stack runs there


@pytest.fixture
async def redis(service_environment: Environment) -> AsyncIterator[Redis]:
    async with Redis.from_url(as_administrator(service_environment("identity")["PHOTOMESH_REDIS_URL"])) as redis:
        await _forget(redis)
        yield redis
        await _forget(redis)


async def _keys(redis: Redis) -> list[bytes]:
    return [key async for key in redis.scan_iter(f"snowflake:{REGION}:*", count=1000)]


async def _forget(redis: Redis) -> None:
    if keys := await _keys(redis):
        await redis.delete(*keys)


def _worker(value: int) -> int:
    return value >> 8 & MAX_WORKER


async def test_each_process_has_a_number_of_its_own(redis: Redis) -> None:
    sources = [LeasedIds(redis, REGION, FakeClock()) for _ in range(30)]
    await asyncio.gather(*(source.acquire() for source in sources))
    made = [source.next() for source in sources for _ in range(300)]
    assert len(set(made)) == len(made)
    assert len({_worker(value) for value in made}) == 30
    assert {region_of(value) for value in made} == {REGION}
    for source in sources:
        await source.release()
    assert await _keys(redis) == []


async def test_a_lease_lasts_as_long_as_its_context(redis: Redis) -> None:
    async with lease_ids(redis, REGION, FakeClock()) as ids:
        [key] = await _keys(redis)
        assert 50 < await redis.ttl(key) <= 60
        await ids.check()
        assert ids.held
    assert await _keys(redis) == []
    with pytest.raises(Unavailable):
        ids.next()


async def test_it_is_renewed(redis: Redis) -> None:
    clock = FakeClock()
    async with lease_ids(redis, REGION, clock) as ids:
        [key] = await _keys(redis)
        before = _worker(ids.next())
        for _ in range(12):
            await redis.expire(key, 20)
            await clock.advance(10)
            await eventually(lambda: redis.ttl(key), until=lambda ttl: ttl > 50)
        assert _worker(ids.next()) == before


async def test_a_number_that_was_lost_is_replaced(redis: Redis) -> None:
    """Redis lost its memory, and another process has taken the number meanwhile."""
    clock = FakeClock()
    async with lease_ids(redis, REGION, clock) as ids:
        [key] = await _keys(redis)
        await redis.set(key, "another process")
        await clock.advance(10)
        await eventually(lambda: _keys(redis), until=lambda keys: len(keys) == 2)
        assert f"snowflake:{REGION}:{_worker(ids.next())}".encode() != key
    assert await _keys(redis) == [key]
    assert await redis.get(key) == b"another process"


async def test_it_opens_without_redis_and_takes_a_number_once_it_answers(redis: Redis) -> None:
    clock = FakeClock()
    async with Redis.from_url("redis://127.0.0.1:9/0") as absent, lease_ids(absent, REGION, clock) as ids:
        with pytest.raises(Unavailable):
            ids.next()
        ids._redis = redis

        async def after_a_second() -> list[bytes]:
            await clock.advance(1)
            return await _keys(redis)

        await eventually(after_a_second, until=bool)
        assert region_of(ids.next()) == REGION


async def test_without_redis_it_stops_before_the_lease_can_expire(redis: Redis) -> None:
    clock = FakeClock()
    async with lease_ids(redis, REGION, clock) as ids:
        working, ids._redis = ids._redis, Redis.from_url("redis://127.0.0.1:9/0")
        await clock.advance(49)
        ids.next()
        await clock.advance(1)
        with pytest.raises(Unavailable):
            ids.next()
        with pytest.raises(Unavailable):
            await ids.check()
        await ids._redis.aclose()
        ids._redis = working

        async def heals() -> bool:
            await clock.advance(10)
            return ids.held

        await eventually(heals)
        ids.next()


async def test_when_all_numbers_are_taken(redis: Redis) -> None:
    numbers = {f"snowflake:{REGION}:{number}": "another process" for number in range(MAX_WORKER + 1)}
    await redis.mset(numbers)
    with pytest.raises(Unavailable, match="taken"):
        await LeasedIds(redis, REGION, FakeClock()).acquire()
    async with lease_ids(redis, REGION, FakeClock()) as ids:
        with pytest.raises(Unavailable):
            ids.next()
    await redis.delete(f"snowflake:{REGION}:77")
    async with lease_ids(redis, REGION, FakeClock()) as ids:
        assert _worker(ids.next()) == 77
