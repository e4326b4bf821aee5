"""Post on real servers: its API in this process, and its consumers where a module uses them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette

from photomesh_post import consumer as consumer_process
from photomesh_post import engagement
from photomesh_post.app import create_app
from photomesh_post.settings import ConsumerSettings, EngagementSettings, Settings
from photomesh_shared.internal_api import post
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.stores.cassandra import CassandraSession, open_session
from tests.integration.post.api_user import ApiUser, Platform
from tests.support.clock import MovableClock
from tests.support.internal_calls import RightfulCaller
from tests.support.objects import open_all_objects
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

Environment = Callable[[str], Mapping[str, str]]
NewUser = Callable[..., Awaitable[ApiUser]]


@pytest.fixture(scope="session")
def environment(service_environment: Environment) -> Environment:
    return service_environment


@pytest.fixture(scope="session")
async def platform(kafka: KafkaSettings, new_id: Callable[[], int]) -> AsyncIterator[Platform]:
    async with open_publisher(kafka, "tests") as publisher, open_all_objects() as storage:
        yield Platform(publisher, storage, new_id)


@pytest.fixture(scope="module")
async def consumer(environment: Environment) -> AsyncIterator[None]:
    """The consumer, once it has joined its group."""
    settings = settings_from(ConsumerSettings, environment("post-consumer"))
    async with _consuming(consumer_process.create_app(settings)):
        yield


@pytest.fixture(scope="module")
async def counting(environment: Environment) -> AsyncIterator[None]:
    """The engagement consumer, once it has joined its group."""
    settings = settings_from(EngagementSettings, environment("post-engagement"))
    async with _consuming(engagement.create_app(settings)):
        yield


@asynccontextmanager
async def _consuming(app: Starlette) -> AsyncIterator[None]:
    async with client_of(app) as ops:

        async def is_ready() -> bool:
            return (await ops.get("/readyz")).status_code == 200

        await eventually(is_ready, within=60)
        yield


@pytest.fixture(scope="module")
def clock() -> MovableClock:
    """The clock of the API in one module: ids of posts never go back behind what it has shown."""
    return MovableClock()


@pytest.fixture(scope="module")
async def api(environment: Environment, clock: MovableClock) -> AsyncIterator[httpx.AsyncClient]:
    settings = settings_from(Settings, environment("post"))
    async with client_of(create_app(settings, clock)) as client:
        client.auth = RightfulCaller(environment("post"), post)
        yield client


@pytest.fixture(scope="session")
async def database(environment: Environment) -> AsyncIterator[CassandraSession]:
    async with open_session(settings_from(Settings, environment("post"))) as session:
        yield session


@pytest.fixture(scope="module")
def new_user(api: httpx.AsyncClient, platform: Platform, issuer: Issuer, database: CassandraSession) -> NewUser:
    """Makes users whose accounts the service knows already."""

    async def make(*, private: bool = False, token_seconds: int = 900) -> ApiUser:
        account_id = platform.new_id()
        await platform.register(account_id, private=private)

        async def known() -> bool:
            return bool(await database.execute("SELECT user_id FROM accounts WHERE user_id = ?", account_id))

        await eventually(known, within=30)
        return ApiUser(api, platform, account_id, issuer.headers(account_id, expires_in=token_seconds))

    return make


@pytest.fixture
async def ada(consumer: None, new_user: NewUser) -> ApiUser:
    return await new_user()


@pytest.fixture
async def grace(consumer: None, new_user: NewUser) -> ApiUser:
    return await new_user()
