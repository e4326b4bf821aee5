"""The upload service in this process, on the real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import httpx
import pytest

from photomesh_shared.clock import Clock
from photomesh_upload.app import create_app
from photomesh_upload.settings import Settings
from tests.integration.upload.api_users import ApiUser
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection

Environment = Callable[[str], Mapping[str, str]]
NewUser = Callable[[], ApiUser]
Serving = Callable[..., AbstractAsyncContextManager[NewUser]]


@pytest.fixture(scope="session")
def environment(service_environment: Environment) -> Mapping[str, str]:
    return service_environment("upload")


@pytest.fixture(scope="session")
async def storage() -> AsyncIterator[httpx.AsyncClient]:
    """The client for presigned URLs."""
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture
async def database(environment: Mapping[str, str]) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(environment["PHOTOMESH_POSTGRES_DSN"])
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def serving(
    environment: Mapping[str, str],
    issuer: Issuer,
    storage: httpx.AsyncClient,
    new_id: Callable[[], int],
) -> Serving:
    """Runs the service with changed settings; yields a factory of clients of new accounts."""

    @asynccontextmanager
    async def serve(clock: Clock | None = None, **changes: str) -> AsyncIterator[NewUser]:
        settings = settings_from(Settings, environment, **changes)
        async with client_of(create_app(settings, clock)) as api:

            def new_user() -> ApiUser:
                account_id = new_id()
                return ApiUser(api, storage, account_id, issuer.headers(account_id))

            yield new_user

    return serve


@pytest.fixture(scope="session")
async def new_user(serving: Serving) -> AsyncIterator[NewUser]:
    """A factory of clients of the service with default settings."""
    async with serving() as make:
        yield make


@pytest.fixture
def ada(new_user: NewUser) -> ApiUser:
    return new_user()


@pytest.fixture
def grace(new_user: NewUser) -> ApiUser:
    return new_user()
