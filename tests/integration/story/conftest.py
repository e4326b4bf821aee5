"""Story on real servers, with a stand-in for post and bytes in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_shared.internal_api import export
from photomesh_shared.stores.cassandra import CassandraSession, open_session
from photomesh_story import wiring
from photomesh_story.app import create_app
from photomesh_story.settings import Settings
from photomesh_story.store.connection import open_redis
from photomesh_story.store.index import StoryIndex
from photomesh_story.store.tables import CassandraStories
from tests.conftest import Environment
from tests.integration.story.people import People
from tests.support.internal_calls import RightfulCaller
from tests.support.redis import as_administrator, database_of
from tests.support.services import client_of, settings_from
from tests.support.story.memory import MemoryAccounts, MemoryBytes
from tests.support.story.stand_ins import serve_accounts
from tests.support.tokens import Issuer

_DATABASE = 9  # of the test stack's Redis, which only these tests use


@pytest.fixture(scope="module")
def environment(service_environment: Environment) -> Mapping[str, str]:
    found = service_environment("story")
    return {**found, "PHOTOMESH_FEED_REDIS_URL": database_of(found["PHOTOMESH_FEED_REDIS_URL"], _DATABASE)}


@pytest.fixture(scope="module")
def consumer_environment(service_environment: Environment) -> Mapping[str, str]:
    found = service_environment("story-consumer")
    return {**found, "PHOTOMESH_FEED_REDIS_URL": database_of(found["PHOTOMESH_FEED_REDIS_URL"], _DATABASE)}


@pytest.fixture(scope="module")
async def database(environment: Mapping[str, str]) -> AsyncIterator[CassandraSession]:
    async with open_session(settings_from(Settings, environment)) as session:
        yield session


@pytest.fixture(scope="module")
async def administrator(environment: Mapping[str, str]) -> AsyncIterator[Redis]:
    async with open_redis(as_administrator(environment["PHOTOMESH_FEED_REDIS_URL"])) as client:
        yield client


@pytest.fixture(scope="module")
async def redis(environment: Mapping[str, str]) -> AsyncIterator[Redis]:
    """With the rights of the program."""
    async with open_redis(environment["PHOTOMESH_FEED_REDIS_URL"]) as client:
        yield client


@pytest.fixture(scope="module")
async def accounts() -> MemoryAccounts:
    return MemoryAccounts()


@pytest.fixture(scope="module")
async def objects() -> MemoryBytes:
    return MemoryBytes()


@pytest.fixture(scope="module")
async def post_url(accounts: MemoryAccounts) -> AsyncIterator[str]:
    async with serve_accounts(accounts) as url:
        yield url


@pytest.fixture(scope="module")
async def api(
    environment: Mapping[str, str], post_url: str, objects: MemoryBytes, administrator: Redis
) -> AsyncIterator[httpx.AsyncClient]:
    await administrator.flushdb()
    index = StoryIndex(administrator)
    await index.begin_building("tests")
    assert await index.finish_building("tests")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "StoryBytes", lambda *_, **__: objects)
        settings = settings_from(Settings, environment, post_url=post_url, photo_wait_seconds="0")
        async with client_of(create_app(settings)) as client:
            client.auth = RightfulCaller(environment, export)
            yield client


@pytest.fixture
def people(
    api: httpx.AsyncClient,
    database: CassandraSession,
    redis: Redis,
    accounts: MemoryAccounts,
    issuer: Issuer,
    new_id: Callable[[], int],
) -> People:
    return People(api, CassandraStories(database), StoryIndex(redis), accounts, issuer, new_id)
