"""Export on the real servers, with stand-ins of the services that own data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from photomesh_export.app import create_app
from photomesh_export.settings import Settings, WorkerSettings
from photomesh_export.wiring import WorkerDeps, open_worker_deps
from photomesh_shared import ids
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import Readiness
from photomesh_shared.internal_api.export import sections_of
from photomesh_shared.object_keys import original_key
from photomesh_shared.stores.object_storage import ObjectStorage
from tests.support.databases import new_database
from tests.support.json_server import JsonResponse, serve_json
from tests.support.objects import open_all_objects
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer

Environment = Callable[[str], Mapping[str, str]]
Working = Callable[..., AbstractAsyncContextManager[WorkerDeps]]

SERVICES = ("identity", "upload", "post", "social-graph", "feed", "notification", "webhook", "story", "explore")
PASSWORD = "correct horse battery"
_PAGE = 2


@dataclass
class Sources:
    """All services that own data, on one address."""

    items: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    """By account and section."""
    broken: set[str] = field(default_factory=set)
    """Sections that are answered by a 500."""
    reads: Counter[str] = field(default_factory=Counter)
    refusal: dict[str, Any] = field(default_factory=dict)
    """Of the owner's proof."""
    notices: list[tuple[str, str]] = field(default_factory=list)
    """Mails that identity was asked for: account and kind."""
    down: bool = False

    def put(self, target: str, body: dict[str, Any]) -> JsonResponse:
        _, _, _, account, operation = target.split("/")
        if self.down:
            return 500, {}
        if operation == "confirmation":
            return 200, self.refusal if body["password"] == PASSWORD else {"refused": "wrong-password"}
        self.notices.append((account, body["kind"]))
        return 200, {}

    def respond(self, target: str, headers: Mapping[str, str]) -> JsonResponse:
        assert headers["Authorization"].startswith("Bearer ")
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        account, section = url.path.rsplit("/", 1)[1], query["section"]
        self.reads[section] += 1
        if section in self.broken:
            return 500, {}
        start = int(query.get("cursor", 0))
        items = self.items.get((account, section), [])
        more = start + _PAGE < len(items)
        page = items[start : start + _PAGE]
        return 200, {"section": section, "items": page, "next_cursor": str(start + _PAGE) if more else None}


@dataclass
class Person:
    """An account with its client of the API."""

    id: int
    api: httpx.AsyncClient
    headers: Mapping[str, str]
    sources: Sources
    storage: ObjectStorage

    @property
    def wire_id(self) -> str:
        return ids.encode("u", self.id)

    def has(self, section: str, *items: dict[str, Any]) -> None:
        self.sources.items.setdefault((self.wire_id, section), []).extend(items)

    async def uploaded(self, number: int, content: bytes | None, **changes: Any) -> str:
        """An original; without content it is missing in storage. Returns the photo's id."""
        upload_id, photo_id = self.id + number, self.id + 1_000 + number
        item = {
            "photo_id": ids.encode("p", photo_id),
            "upload_id": ids.encode("up", upload_id),
            "content_type": "image/jpeg",
            "size_bytes": len(content or b"missing"),
            "etag": None,
            "uploaded_at": f"2026-11-{number + 1:02}T10:00:00Z",
            "filename": None,
        }
        self.has("originals", item | changes)
        if content is not None:
            await self.storage.put("raw", original_key(upload_id), content, content_type="image/jpeg")
        return ids.encode("p", photo_id)

    async def begin(self, **proof: str) -> httpx.Response:
        return await self.api.post("/v1/me/export", headers=self.headers, json=proof or {"password": PASSWORD})

    async def look(self) -> dict[str, Any]:
        response = await self.api.get("/v1/me/export", headers=self.headers)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = json.loads(response.content)
        return found

    async def cancel(self) -> httpx.Response:
        return await self.api.delete("/v1/me/export", headers=self.headers)


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def sources_url(sources: Sources) -> Iterator[str]:
    with serve_json(sources.respond, sources.put) as url:
        yield url


@pytest.fixture
async def dsn(servers: object) -> AsyncIterator[str]:
    async with new_database("export", package="photomesh_export") as dsn:
        yield dsn


@pytest.fixture
def worker_environment(service_environment: Environment, dsn: str, sources_url: str) -> Mapping[str, str]:
    urls = {f"PHOTOMESH_{name.upper().replace('-', '_')}_URL": sources_url for name in SERVICES}
    return {
        **service_environment("export-worker"),
        **urls,
        "PHOTOMESH_POSTGRES_DSN": dsn,
        "PHOTOMESH_RETRY_SECONDS": "0.01",
        "PHOTOMESH_POLL_SECONDS": "0.05",
        "PHOTOMESH_SWEEP_SECONDS": "0.2",
        "PHOTOMESH_CHUNK_BYTES": "200",
    }


@pytest.fixture
def working(worker_environment: Mapping[str, str]) -> Working:
    """Opens what a worker has, without running it."""

    @asynccontextmanager
    async def opened(clock: Clock | None = None, **changes: str) -> AsyncIterator[WorkerDeps]:
        settings = settings_from(WorkerSettings, worker_environment, **changes)
        async with open_worker_deps(settings, Readiness(), clock or SystemClock()) as deps:
            yield deps

    return opened


@pytest.fixture
async def storage(servers: object) -> AsyncIterator[ObjectStorage]:
    async with open_all_objects() as storage:
        yield storage


@pytest.fixture
def serving(
    service_environment: Environment,
    dsn: str,
    issuer: Issuer,
    new_id: Callable[[], int],
    sources: Sources,
    sources_url: str,
    storage: ObjectStorage,
) -> Callable[..., AbstractAsyncContextManager[Callable[[], Person]]]:
    """Runs the API with changed settings; yields a factory of people."""

    @asynccontextmanager
    async def serve(clock: Clock | None = None, **changes: str) -> AsyncIterator[Callable[[], Person]]:
        environment = {
            **service_environment("export"),
            "PHOTOMESH_POSTGRES_DSN": dsn,
            "PHOTOMESH_IDENTITY_URL": sources_url,
        }
        async with client_of(create_app(settings_from(Settings, environment, **changes), clock)) as api:

            def new_person() -> Person:
                account_id = new_id()
                return Person(account_id, api, issuer.headers(account_id, expires_in=30 * 86_400), sources, storage)

            yield new_person

    return serve


@pytest.fixture
async def new_person(
    serving: Callable[..., AbstractAsyncContextManager[Callable[[], Person]]],
) -> AsyncIterator[Callable[[], Person]]:
    async with serving() as make:
        yield make


@pytest.fixture
def ada(new_person: Callable[[], Person]) -> Person:
    return new_person()


@pytest.fixture
def grace(new_person: Callable[[], Person]) -> Person:
    return new_person()


ALL_SECTIONS = frozenset().union(*(sections_of(service) for service in SERVICES))
