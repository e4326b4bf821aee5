"""What tests do to the servers has the same effect, whether these are containers or processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from photomesh_local.configuration.stack import Stack
from photomesh_local.servers import SERVERS
from tests.conftest import Environment
from tests.support.databases import new_database
from tests.support.redis import as_administrator
from tests.support.servers import Servers
from tests.support.waiting import eventually

STACK = Stack("test")


@pytest.fixture
async def redis(servers: Servers, service_environment: Environment) -> AsyncIterator[Redis]:
    url = as_administrator(service_environment("gateway")["PHOTOMESH_REDIS_URL"])
    async with Redis.from_url(url, retry=None) as redis:
        await redis.set("servers:kept", "yes")
        yield redis


async def test_a_stopped_server_refuses_connections_and_starts_with_its_data(servers: Servers, redis: Redis) -> None:
    await asyncio.to_thread(servers.stop, "redis")
    try:
        with pytest.raises(RedisError):
            await redis.ping()
    finally:
        await asyncio.to_thread(servers.start, "redis")
    assert await redis.get("servers:kept") == b"yes"


async def test_a_killed_server_is_soon_back_with_its_data(servers: Servers, redis: Redis) -> None:
    started = (await redis.info())["run_id"]
    await asyncio.to_thread(servers.kill, "redis")

    async def run_id() -> object:
        try:
            return (await redis.info())["run_id"]
        except RedisError as error:
            raise AssertionError("not yet") from error

    assert await eventually(run_id, until=lambda now: now != started)
    assert await redis.get("servers:kept") == b"yes"


async def test_a_restarted_server_is_another_process(servers: Servers, redis: Redis) -> None:
    started = (await redis.info())["run_id"]
    await asyncio.to_thread(servers.restart, "redis")
    await redis.connection_pool.disconnect()
    assert (await redis.info())["run_id"] != started


async def test_a_paused_server_keeps_its_connections_and_answers_once_it_is_resumed(servers: Servers) -> None:
    """PostgreSQL: all of its processes must pause."""
    async with new_database("identity") as dsn:
        connection = await asyncpg.connect(dsn)
        servers.pause("postgres")
        asked = asyncio.create_task(connection.fetchval("SELECT 1"))
        try:
            done, _ = await asyncio.wait([asked], timeout=1)
            assert not done
        finally:
            servers.resume("postgres")
        assert await asyncio.wait_for(asked, 10) == 1
        await connection.close()


@pytest.mark.parametrize("server", SERVERS)
async def test_every_server_can_be_paused(servers: Servers, server: str) -> None:
    if SERVERS[server].on_demand:
        await asyncio.to_thread(servers.demand, server)
    servers.pause(server)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await SERVERS[server].probe(STACK)
    finally:
        servers.resume(server)
    await asyncio.wait_for(SERVERS[server].probe(STACK), 60)
