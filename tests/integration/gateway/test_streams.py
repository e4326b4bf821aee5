"""Bodies that are larger than what the gateway may hold."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.stand_in import Service, respond
from tests.support.problems import expect_problem
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


async def test_a_large_request_to_a_slow_service(
    start_gateway: StartGateway, service: Service, someone: dict[str, str]
) -> None:
    sent, go_on, arrived = Meter(), asyncio.Event(), 0

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal arrived
        await go_on.wait()
        more = True
        while more:
            message = await receive()
            arrived += len(message["body"])
            more = message["more_body"]
        await respond(send, b"{}")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(1000):
            yield PIECE
            sent.bytes += len(PIECE)

    service.answer = answer
    async with start_gateway(max_body_bytes=str(200 * MB)) as gateway:
        request = asyncio.create_task(gateway.post("/v1/posts", content=pieces(), headers=someone, timeout=60))
        assert await sent.stands_still() < IN_BETWEEN
        go_on.set()
        assert (await request).status_code == 200
    assert arrived == 1000 * len(PIECE)


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


async def test_an_answer_before_the_request_is_whole(
    gateway: httpx.AsyncClient, service: Service, someone: dict[str, str]
) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, b"no need to go on", status=422)

    service.answer = answer
    reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    token = someone["Authorization"].encode()
    head = b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\nAuthorization: " + token
    writer.write(head + b"\r\n\r\n{")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 422 ")
    assert await asyncio.wait_for(reader.readexactly(16), 10) == b"no need to go on"
    writer.close()
    service.answer = None
    assert (await gateway.post("/v1/posts", json={}, headers=someone)).status_code == 200


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_that_is_too_large(
    start_gateway: StartGateway, service: Service, someone: dict[str, str], announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(50_000)

    async with start_gateway(max_body_bytes="100000") as gateway:
        content = bytes(100_001) if announced else pieces()
        answer = await gateway.post("/v1/posts", content=content, headers=someone)
        assert expect_problem(answer, 413, "payload-too-large")["max_bytes"] == 100_000
        assert service.seen == []
        answer = await gateway.post("/v1/posts", content=bytes(100_000), headers=someone)
        assert answer.status_code == 200
        assert len(service.last.body) == 100_000
