"""Every operation refuses a body of junk quickly, and with a small answer."""

from __future__ import annotations

import json
import re
from functools import cache
from time import process_time
from typing import NoReturn, cast

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from photomesh_gateway.routing.router import Route
from photomesh_gateway.routing.table import ROUTES
from photomesh_shared.auth import Principal
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.http.idempotency import IdempotencyStore
from photomesh_shared.ids import IdGenerator, encode
from photomesh_shared.stores.cassandra import CassandraSession
from photomesh_shared.stores.idempotency_keys import CassandraKeys
from photomesh_shared.tokens.roles import Role
from tests.contract.test_openapi import OPERATIONS
from tools.openapi import service_app

BODIES = [route for route in ROUTES if "requestBody" in OPERATIONS[f"{route.method} {route.template}"]]
PREFIXES = {
    "user": "u",
    "photo": "p",
    "post": "o",
    "upload": "up",
    "comment": "c",
    "collection": "k",
    "passkey": "pk",
} | {"webhook": "wh", "story": "st"}


def junk(kind: str, size: int, route: Route) -> bytes:
    """About `size` bytes, and no more."""
    match kind:
        case "unknown members":
            return b"{" + b",".join(b'"%06d":1' % number for number in range(size // 11 - 1)) + b"}"
        case "deep":
            return b"[" * (size // 2) + b"]" * (size // 2)
        case "a long list":
            return b"[" + b"1," * (size // 2 - 2) + b"1]"
        case "a long string in every member":
            schema = OPERATIONS[f"{route.method} {route.template}"]["requestBody"]["content"]["application/json"]
            example = next(iter(schema["examples"].values()))["value"]
            text = "#a " * (size // (3 * len(example)) - 20)
            return json.dumps(dict.fromkeys(example, text)).encode()
        case _:
            return b'{"' + b"\\u0001" * (size // 6 - 2) + b'":1}'


class AnyToken:
    """Verifies anything."""

    async def verify(self, _: str) -> Principal:
        return Principal(
            account_id=1, session_id=1, token_id="any", expires_at=SystemClock().now(), roles=frozenset(Role)
        )


class NoUseCase:
    """Stands for any dependency, and fails when it is called: what is no part of a model is ignored by some."""

    def __getattr__(self, _: str) -> NoUseCase:
        return self

    def __call__(self, *_: object, **__: object) -> NoReturn:
        raise Unavailable


@cache
def app_of(service: str) -> FastAPI:
    app = service_app(service)
    app.state.token_verifier = AnyToken()
    app.state.deps = NoUseCase()
    keys = CassandraKeys(cast("CassandraSession", NoUseCase()))
    app.state.idempotency = IdempotencyStore(Redis(), keys, "secret", IdGenerator(1, 0, SystemClock()))
    return app


@pytest.mark.parametrize(
    "kind", ["unknown members", "deep", "a long list", "a long string in every member", "a long name"]
)
@pytest.mark.parametrize("route", BODIES, ids=lambda route: f"{route.method} {route.template}")
async def test_junk_is_refused_cheaply(route: Route, kind: str) -> None:
    path = re.sub(r"\{(\w+)_id\}", lambda match: encode(PREFIXES[match[1]], 1), route.template)
    transport = httpx.ASGITransport(app_of(route.upstream), raise_app_exceptions=False)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer any"}
    async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as client:
        for size in (route.max_body, 1024 * 1024):
            body = junk(kind, size, route)
            assert 0.7 * size < len(body) <= size
            seconds: list[float] = []
            while not seconds or (seconds[-1] > 0.5 and len(seconds) < 3):  # a collection of garbage may come between
                began = process_time()
                answer = await client.request(route.method, path, content=body)
                seconds.append(process_time() - began)
            assert min(seconds) < 0.5
            assert answer.status_code in ({413} if size > route.max_body else {400, 422, 503})
            assert len(answer.content) < 5_000
