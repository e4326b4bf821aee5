"""The HTTP program of notification on real servers, with a stand-in for post."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime

import httpx
import pytest
from redis.asyncio import Redis

from photomesh_notification.app import create_app
from photomesh_notification.inbox.domain import Group
from photomesh_notification.positions import moment_of, ms_of
from photomesh_notification.settings import Settings
from photomesh_notification.store.connection import open_redis
from photomesh_notification.store.list_index import ListIndex
from photomesh_shared.internal_api import export
from photomesh_shared.stores.cassandra import CassandraSession, open_session
from tests.conftest import Environment
from tests.integration.notification.inbox.reader import Reader
from tests.support.internal_calls import RightfulCaller
from tests.support.notification.memory_inbox import MemoryPost
from tests.support.notification.stand_ins import serve_sightings
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

NewReader = Callable[[], Reader]


@pytest.fixture(scope="module")
def environment(service_environment: Environment) -> Mapping[str, str]:
    return service_environment("notification")


@pytest.fixture(scope="module")
async def database(environment: Mapping[str, str]) -> AsyncIterator[CassandraSession]:
    async with open_session(settings_from(Settings, environment)) as session:
        yield session


@pytest.fixture(scope="module")
async def redis(environment: Mapping[str, str]) -> AsyncIterator[Redis]:
    """With the rights of the program."""
    async with open_redis(environment["PHOTOMESH_FEED_REDIS_URL"]) as client:
        yield client


@pytest.fixture(scope="module")
async def post() -> MemoryPost:
    return MemoryPost(author_id=1)


@pytest.fixture(scope="module")
async def api(environment: Mapping[str, str], post: MemoryPost) -> AsyncIterator[httpx.AsyncClient]:
    async with serve_sightings(post) as url:
        settings = settings_from(Settings, environment, post_url=url)
        async with client_of(create_app(settings)) as client:
            client.auth = RightfulCaller(environment, export)
            yield client


@pytest.fixture
def reader(
    api: httpx.AsyncClient,
    database: CassandraSession,
    redis: Redis,
    post: MemoryPost,
    issuer: Issuer,
    new_id: Callable[[], int],
) -> Reader:
    account_id = new_id()
    post.author_id, post.followed, post.hidden, post.away = account_id, set(), set(), False
    return Reader(api, database, ListIndex(redis), account_id, issuer.headers(account_id))


@pytest.fixture
def group(new_id: Callable[[], int]) -> Group:
    """A like of a post by one account, a minute ago."""
    moment = moment_of(ms_of(datetime.now(UTC)) - 60_000)
    post_id = new_id()
    return Group(f"like.{post_id}.0", "like", 1, False, (new_id(),), moment, moment, post_id=post_id)
