"""The social graph in this process, on the real servers, with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api import social_graph
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.app import create_app
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.settings import Settings
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.api_users import ApiUsers
from tests.support.databases import new_database
from tests.support.internal_calls import RightfulCaller
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

Environment = Callable[[str], Mapping[str, str]]
Serving = Callable[..., AbstractAsyncContextManager[ApiUsers]]


@pytest.fixture(scope="session")
async def environment(service_environment: Environment) -> AsyncIterator[Mapping[str, str]]:
    async with new_database("social_graph", package="photomesh_social_graph") as dsn:
        yield {**service_environment("social-graph"), "PHOTOMESH_POSTGRES_DSN": dsn}


@pytest.fixture
async def isolated_environment(environment: Mapping[str, str]) -> AsyncIterator[Mapping[str, str]]:
    """The environment of a process with its own database, so that no other process relays its events."""
    async with new_database("social_graph", package="photomesh_social_graph") as dsn:
        yield {**environment, "PHOTOMESH_POSTGRES_DSN": dsn}


@pytest.fixture
async def database(environment: Mapping[str, str]) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(environment["PHOTOMESH_POSTGRES_DSN"])
    yield connection
    await connection.close()


@asynccontextmanager
async def serve(
    environment: Mapping[str, str], issuer: Issuer, new_id: Callable[[], int], **changes: str
) -> AsyncIterator[ApiUsers]:
    clock = SystemClock()
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"]) as pool:
        async with client_of(create_app(settings_from(Settings, environment, **changes), clock)) as api:
            api.auth = RightfulCaller(environment, social_graph)
            yield ApiUsers(api, AccountEventHandlers(PostgresGraph(pool), clock), issuer, new_id)


@pytest.fixture(scope="session")
async def users(environment: Mapping[str, str], issuer: Issuer, new_id: Callable[[], int]) -> AsyncIterator[ApiUsers]:
    """Users of a service that runs for all tests."""
    async with serve(environment, issuer, new_id, account_wait_seconds="0.5") as users:
        yield users


@pytest.fixture
def serving(environment: Mapping[str, str], issuer: Issuer, new_id: Callable[[], int]) -> Serving:
    """Runs the service with changed settings."""

    def with_changes(**changes: str) -> AbstractAsyncContextManager[ApiUsers]:
        return serve(environment, issuer, new_id, **changes)

    return with_changes


@pytest.fixture
async def store(environment: Mapping[str, str]) -> AsyncIterator[PostgresGraph]:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=5) as pool:
        yield PostgresGraph(pool)
