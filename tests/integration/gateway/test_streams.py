"""Large bodies: requests are bounded by their route, responses are streamed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from photomesh_gateway.routing.router import Route
from photomesh_gateway.routing.table import ROUTES
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.stand_in import Service
from tests.support.problems import expect_problem
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

MB = 1_000_000
PIECE = bytes(100_000)
# What lies in sockets and in the buffers of three processes' worth of servers and clients, but not 100 MB.
IN_BETWEEN = 30 * MB


class Meter:
    def __init__(self) -> None:
        self.bytes = 0

    async def stands_still(self) -> int:
        """What it shows once it no longer moves."""
        seen: list[int] = []

        async def same() -> bool:
            seen.append(self.bytes)
            return len(seen) > 20 and len(set(seen[-20:])) == 1

        await eventually(same, within=30)
        return self.bytes


async def test_a_large_answer_to_a_slow_client(gateway: httpx.AsyncClient, service: Service) -> None:
    sent = Meter()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1000):
            await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            sent.bytes += len(PIECE)
        await send({"type": "http.response.body"})

    service.answer = answer
    async with gateway.stream("GET", "/v1/photos/p_1") as got:
        pieces = got.aiter_raw()
        received = len(await anext(pieces))
        assert await sent.stands_still() < IN_BETWEEN  # the service waits, instead of the gateway holding it all
        async for piece in pieces:
            received += len(piece)
    assert received == 1000 * len(PIECE)


async def test_the_first_piece_does_not_wait_for_the_last(gateway: httpx.AsyncClient, service: Service) -> None:
    go_on = asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"last"})

    service.answer = answer
    async with gateway.stream("GET", "/v1/photos/p_1") as got:
        pieces = got.aiter_raw()
        assert await anext(pieces) == b"first"
        go_on.set()
        assert await anext(pieces) == b"last"


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large(
    start_gateway: StartGateway, service: Service, someone: dict[str, str], announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(50_000)

    routes = tuple(replace(route, max_body=100_000) if route.template == "/v1/posts" else route for route in ROUTES)
    async with start_gateway(routes) as gateway:
        content = bytes(100_001) if announced else pieces()
        answer = await gateway.post("/v1/posts", content=content, headers=someone)
        assert expect_problem(answer, 413, "payload-too-large")["max_bytes"] == 100_000
        assert answer.headers["connection"] == "close"  # rather than read the rest
        assert service.seen == []
        answer = await gateway.post("/v1/posts", content=bytes(100_000), headers=someone)
        assert answer.status_code == 200
        assert len(service.last.body) == 100_000


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method != "GET"], ids=str)
async def test_no_route_takes_a_megabyte(
    gateway: httpx.AsyncClient, service: Service, issuer: Issuer, new_id: Callable[[], int], route: Route
) -> None:
    path = re.sub(r"\{\w+\}", "x_1", route.template)
    someone = issuer.headers(new_id(), roles=route.role or "")
    answer = await gateway.request(route.method, path, content=bytes(MB), headers=someone)
    expect_problem(answer, 413, "payload-too-large")
    assert len(answer.content) < 1000
    assert service.seen == []
