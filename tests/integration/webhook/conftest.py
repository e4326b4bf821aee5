"""The API of webhooks on the real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
from aiohttp import web

from photomesh_shared import ids
from photomesh_shared.internal_api.identity import RECORD_WEBHOOK_ACTION, ActionRecorded, WebhookAction
from photomesh_webhook.app import create_app
from photomesh_webhook.settings import Settings
from tests.support.databases import new_database
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

Environment = Callable[[str], Mapping[str, str]]
URL = "https://hooks.example.com/photomesh"


@dataclass
class Developer:
    """An account with its client of the API."""

    id: int
    api: httpx.AsyncClient
    headers: Mapping[str, str] = field(repr=False)

    async def call(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **rest: Any) -> Any:
        return await self.api.request(
            method, f"/v1/webhooks{path}", headers={**self.headers, **(headers or {})}, **rest
        )

    async def create(self, *, headers: Mapping[str, str] | None = None, **changes: Any) -> Any:
        body = {"url": URL, "types": ["photomesh.post.*"], **changes}
        return await self.call("POST", "", json=body, headers=headers)

    async def created(self, **changes: Any) -> dict[str, Any]:
        response = await self.create(**changes)
        assert response.status_code == 201, response.text
        found: dict[str, Any] = response.json()
        return found

    async def get(self, webhook_id: str) -> dict[str, Any]:
        response = await self.call("GET", f"/{webhook_id}")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


@pytest.fixture(scope="module")
async def dsn(servers: object) -> AsyncIterator[str]:
    async with new_database("webhook", package="photomesh_webhook") as dsn:
        yield dsn


@pytest.fixture(scope="module")
async def pool(dsn: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4) as pool:
        yield pool


@pytest.fixture
async def database(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection:
        yield connection


@dataclass
class Identity:
    """Stands in for identity, which keeps the audit log. `dismissed`: whose role has ended, whatever their tokens
    say."""

    url: str = ""
    actions: list[WebhookAction] = field(default_factory=list)
    dismissed: set[int] = field(default_factory=set)

    async def record(self, request: web.Request) -> web.Response:
        action = WebhookAction.model_validate_json(await request.read())
        allowed = action.staff_id not in self.dismissed
        if allowed:
            self.actions.append(action)
        return web.Response(text=ActionRecorded(allowed=allowed).model_dump_json(), content_type="application/json")

    def of(self, account_id: int) -> list[tuple[str, int]]:
        return [(one.action, one.webhook_id) for one in self.actions if one.staff_id == account_id]


@pytest.fixture(scope="module")
async def identity() -> AsyncIterator[Identity]:
    identity = Identity()
    app = web.Application()
    app.router.add_route(RECORD_WEBHOOK_ACTION.method, RECORD_WEBHOOK_ACTION.path, identity.record)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    identity.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield identity
    await runner.cleanup()


@pytest.fixture(scope="module")
def environment(service_environment: Environment, dsn: str, identity: Identity) -> Mapping[str, str]:
    return {
        **service_environment("webhook"),
        "PHOTOMESH_POSTGRES_DSN": dsn,
        "PHOTOMESH_IDENTITY_URL": identity.url,
    }


@pytest.fixture(scope="module")
async def api(environment: Mapping[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_app(settings_from(Settings, environment))) as client:
        yield client


@pytest.fixture
def new_developer(api: httpx.AsyncClient, issuer: Issuer, new_id: Callable[[], int]) -> Callable[..., Developer]:
    def make(**claims: Any) -> Developer:
        account_id = new_id()
        return Developer(account_id, api, issuer.headers(account_id, **claims))

    return make


@pytest.fixture
def ada(new_developer: Callable[..., Developer]) -> Developer:
    return new_developer()


@pytest.fixture
def grace(new_developer: Callable[..., Developer]) -> Developer:
    return new_developer()


def number(webhook_id: str) -> int:
    return ids.decode("wh", webhook_id)
