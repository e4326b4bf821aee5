"""Explore on a real Redis and Kafka, with a stand-in for post."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_explore.app import create_app
from photomesh_explore.settings import Settings
from photomesh_explore.store.connection import open_redis
from photomesh_explore.store.index import ExploreIndex
from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api import explore
from tests.conftest import Environment
from tests.integration.explore.people import People
from tests.support.explore.memory import MemorySights
from tests.support.explore.stand_ins import serve_sights
from tests.support.internal_calls import RightfulCaller
from tests.support.redis import as_administrator, database_of
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

_DATABASE = 11  # of the test stack's Redis, which only these tests use


@pytest.fixture(scope="module")
def environment(service_environment: Environment) -> Mapping[str, str]:
    found = service_environment("explore")
    return {**found, "PHOTOMESH_FEED_REDIS_URL": database_of(found["PHOTOMESH_FEED_REDIS_URL"], _DATABASE)}


@pytest.fixture(scope="module")
def consumer_environment(service_environment: Environment) -> Mapping[str, str]:
    found = service_environment("explore-consumer")
    return {**found, "PHOTOMESH_FEED_REDIS_URL": database_of(found["PHOTOMESH_FEED_REDIS_URL"], _DATABASE)}


@pytest.fixture(scope="module")
async def administrator(environment: Mapping[str, str]) -> AsyncIterator[Redis]:
    async with open_redis(as_administrator(environment["PHOTOMESH_FEED_REDIS_URL"])) as client:
        yield client


@pytest.fixture(scope="module")
async def redis(consumer_environment: Mapping[str, str]) -> AsyncIterator[Redis]:
    """With the rights of the consumer."""
    async with open_redis(consumer_environment["PHOTOMESH_FEED_REDIS_URL"]) as client:
        yield client


@pytest.fixture(scope="module")
async def sights() -> MemorySights:
    return MemorySights()


@pytest.fixture(scope="module")
async def post_url(sights: MemorySights) -> AsyncIterator[str]:
    async with serve_sights(sights) as url:
        yield url


@pytest.fixture(scope="module")
async def api(environment: Mapping[str, str], post_url: str, administrator: Redis) -> AsyncIterator[httpx.AsyncClient]:
    await administrator.flushdb()
    index = ExploreIndex(administrator, SystemClock())
    await index.begin_building("tests")
    assert await index.finish_building("tests")
    async with client_of(create_app(settings_from(Settings, environment, post_url=post_url))) as client:
        client.auth = RightfulCaller(environment, explore)
        yield client


@pytest.fixture
def people(
    api: httpx.AsyncClient, redis: Redis, sights: MemorySights, issuer: Issuer, new_id: Callable[[], int]
) -> People:
    return People(api, ExploreIndex(redis, SystemClock()), sights, issuer, new_id)
