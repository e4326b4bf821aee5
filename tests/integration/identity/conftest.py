"""The identity service in this process, on the real servers, with a database of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial

import asyncpg
import pytest

from photomesh_identity.app import create_app
from photomesh_identity.settings import Settings
from photomesh_shared.clock import Clock, SystemClock
from tests.integration.identity.api_users import ApiUsers
from tests.integration.identity.fake_services import FakeServices, serve_fake_services
from tests.support.clock import MovableClock
from tests.support.databases import new_database
from tests.support.mail_server import Inbox, mail_server
from tests.support.services import client_of, settings_from

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

Environment = Callable[[str], Mapping[str, str]]
Serving = Callable[..., AbstractAsyncContextManager[ApiUsers]]


@pytest.fixture(scope="session")
def social_graph() -> Iterator[FakeServices]:
    """A fake of social-graph and post for tests that do not care about them."""
    with serve_fake_services() as services:
        yield services


@pytest.fixture(scope="session")
async def inbox() -> AsyncIterator[Inbox]:
    """Where the mails of all tests arrive."""
    async with mail_server() as inbox:
        yield inbox


@pytest.fixture(scope="session")
async def environment(
    service_environment: Environment, social_graph: FakeServices, inbox: Inbox
) -> AsyncIterator[Mapping[str, str]]:
    async with new_database("identity", package="photomesh_identity") as dsn:
        yield {
            **service_environment("identity"),
            "PHOTOMESH_POSTGRES_DSN": dsn,
            "PHOTOMESH_SOCIAL_GRAPH_URL": social_graph.url,
            "PHOTOMESH_SMTP_URL": inbox.url,
            "PHOTOMESH_POST_URL": social_graph.url,
            "PHOTOMESH_FEED_URL": social_graph.url,
            # Cheap hashes; one test uses the real parameters.
            "PHOTOMESH_ARGON2_MEMORY_KIB": "256",
            "PHOTOMESH_ARGON2_TIME_COST": "1",
            "PHOTOMESH_PASSWORD_QUEUE": "100",
        }


@pytest.fixture
async def empty_database(environment: Mapping[str, str]) -> AsyncIterator[str]:
    """The DSN of a database with the schema and no rows, for one test."""
    async with new_database("identity", package="photomesh_identity") as dsn:
        yield dsn


@pytest.fixture
async def database(environment: Mapping[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(environment["PHOTOMESH_POSTGRES_DSN"])
    yield connection
    await connection.close()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@asynccontextmanager
async def serve(environment: Mapping[str, str], clock: Clock, **changes: str) -> AsyncIterator[ApiUsers]:
    settings = settings_from(Settings, environment, **changes)
    async with client_of(create_app(settings, clock)) as api:
        # An address of its own: limits that one test uses up, perhaps by a clock that is ahead, are not another's.
        api.headers["X-Forwarded-For"] = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
        yield ApiUsers(api)


@pytest.fixture
def serving(environment: Mapping[str, str], clock: MovableClock) -> Serving:
    """Runs the service by the clock of the test, with changed settings."""
    return partial(serve, environment, clock)


@pytest.fixture(scope="session")
async def users(environment: Mapping[str, str]) -> AsyncIterator[ApiUsers]:
    """Users of a service that runs for all tests."""
    async with serve(environment, SystemClock()) as users:
        yield users
