"""The API of webhooks on the real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import httpx
import pytest

from photomesh_webhook.app import create_app
from photomesh_webhook.settings import Settings
from tests.support.databases import new_database
from tests.support.services import client_of, settings_from

Environment = Callable[[str], Mapping[str, str]]


@pytest.fixture(scope="module")
async def dsn(servers: object) -> AsyncIterator[str]:
    async with new_database("webhook", package="photomesh_webhook") as dsn:
        yield dsn


@pytest.fixture(scope="module")
async def api(service_environment: Environment, dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    environment = {**service_environment("webhook"), "PHOTOMESH_POSTGRES_DSN": dsn}
    async with client_of(create_app(settings_from(Settings, environment))) as client:
        yield client
