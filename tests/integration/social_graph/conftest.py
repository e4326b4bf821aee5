"""The social graph in this process, on the real servers, with a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.internal_api import social_graph
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.app import create_app
from photomesh_social_graph.close_friends.store import PostgresCloseFriends
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.settings import Settings
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.api_users import ApiUsers
from tests.support.databases import new_database
from tests.support.internal_calls import RightfulCaller
from tests.support.json_server import Json, JsonResponse, serve_json
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

Environment = Callable[[str], Mapping[str, str]]
Serving = Callable[..., AbstractAsyncContextManager[ApiUsers]]


@dataclass
class FakeReaders:
    """A fake of post and feed, which are told of blocks and removed followers."""

    relations: dict[tuple[str, str], Json] = field(default_factory=dict)
    """The latest state by account and other account."""
    calls: int = 0
    down: bool = False

    def put(self, target: str, body: Json) -> JsonResponse | None:
        assert target == "/internal/relations"
        if self.down:
            return None
        self.calls += 1
        for one in body["relations"]:
            self.relations[one["account_id"], one["other_id"]] = one
        return 200, {"stored": len(body["relations"])}


@pytest.fixture(scope="session")
def readers() -> FakeReaders:
    return FakeReaders()


@pytest.fixture(scope="session")
async def environment(service_environment: Environment, readers: FakeReaders) -> AsyncIterator[Mapping[str, str]]:
    with serve_json(lambda target, headers: None, readers.put) as url:
        async with new_database("social_graph", package="photomesh_social_graph") as dsn:
            yield {
                **service_environment("social-graph"),
                "PHOTOMESH_POSTGRES_DSN": dsn,
                "PHOTOMESH_POST_URL": url,
                "PHOTOMESH_FEED_URL": url,
            }


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
async def close_friends(environment: Mapping[str, str]) -> AsyncIterator[PostgresCloseFriends]:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=2) as pool:
        yield PostgresCloseFriends(pool)


@pytest.fixture
async def store(environment: Mapping[str, str]) -> AsyncIterator[PostgresGraph]:
    async with open_pool(environment["PHOTOMESH_POSTGRES_DSN"], size=5) as pool:
        yield PostgresGraph(pool)
