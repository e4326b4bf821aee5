"""Requests that are bad already as HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from photomesh_shared.http.serving.protocol import ConnectionLimits
from tests.integration.gateway.conftest import StartGateway
from tests.integration.gateway.stand_in import Service
from tests.support.problems import expect_problem
from tests.support.waiting import eventually


async def exchange(gateway: httpx.AsyncClient, request: bytes) -> tuple[bytes, dict[str, Any]]:
    """Sends bytes, reads until the connection ends; the status line and the body."""
    reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    try:
        writer.write(request)
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
        return head.partition(b"\r\n")[0], json.loads(body)
    finally:
        writer.close()


GET = b"GET /v1/photos/p_1 HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(GET + b"X: " + b"x" * 40_000 + b"\r\n\r\n", id="a long header"),
        pytest.param(GET + b"X-%d: 1\r\n" * 0 + b"".join(b"X-%d: 1\r\n" % n for n in range(101)) + b"\r\n", id="many"),
        pytest.param(GET + b"X: " + b"x" * 400_000, id="a header without an end"),
        pytest.param(b"GET /v1/photos/" + b"x" * 400_000, id="a path without an end"),
    ],
)
async def test_headers_that_are_too_large(gateway: httpx.AsyncClient, service: Service, request_bytes: bytes) -> None:
    status, problem = await exchange(gateway, request_bytes)
    assert status == b"HTTP/1.1 431 Request Header Fields Too Large"
    assert problem["code"] == "headers-too-large"
    assert problem["request_id"]
    assert service.seen == []


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"NONSENSE\r\n\r\n", id="no HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(GET + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="two lengths"),
        pytest.param(GET + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", id="two content lengths"),
        pytest.param(GET + b"Content-Length: -1\r\n\r\n", id="a negative length"),
        pytest.param(GET + b"X : 1\r\n\r\n", id="a space before the colon"),
        pytest.param(GET + b"X: a\x00b\r\n\r\n", id="a zero byte"),
        pytest.param(b"GET /v1/photos/\xff HTTP/1.1\r\nHost: x\r\n\r\n", id="a path that is not ASCII"),
    ],
)
async def test_what_is_no_request(gateway: httpx.AsyncClient, service: Service, request_bytes: bytes) -> None:
    status, problem = await exchange(gateway, request_bytes)
    assert status == b"HTTP/1.1 400 Bad Request"
    assert problem["code"] == "bad-request"
    assert service.seen == []


async def test_a_header_that_is_not_text(gateway: httpx.AsyncClient, service: Service) -> None:
    answer = await gateway.get("/v1/photos/p_1", headers=[(b"X-Name", b"Zo\xeb")])
    expect_problem(answer, 400, "header-not-text")
    assert service.seen == []


async def test_many_requests_on_one_connection(gateway: httpx.AsyncClient, service: Service) -> None:
    reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    writer.write((GET + b"\r\n") * 20)
    for _ in range(20):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        await reader.readexactly(len(b'{"ok":true}'))
    writer.close()
    assert len(service.seen) == 20


async def test_expecting_to_be_told_to_continue(
    gateway: httpx.AsyncClient, service: Service, someone: dict[str, str]
) -> None:
    reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    token = someone["Authorization"].encode()
    head = b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
    writer.write(head + b"Authorization: " + token + b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"{}")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 200 OK")
    assert service.last.body == b"{}"
    assert service.last.header("expect") is None
    writer.close()


async def test_whoever_is_refused_is_not_told_to_continue(gateway: httpx.AsyncClient, service: Service) -> None:
    reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    writer.write(b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 401 ")
    writer.close()
    assert service.seen == []


async def test_a_body_that_takes_too_long(start_gateway: StartGateway, someone: dict[str, str]) -> None:
    async with start_gateway(body_seconds="0.2") as gateway:
        reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
        token = someone["Authorization"].encode()
        head = b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 200\r\nAuthorization: " + token
        writer.write(head + b"\r\n\r\n{")
        assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 408 ")
        writer.close()


async def test_an_unused_connection_does_not_stay_for_ever(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = ConnectionLimits(head_seconds=0.1)
    monkeypatch.setattr("photomesh_gateway.connections.ConnectionLimits", lambda **_: impatient)
    async with start_gateway() as gateway:
        reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
        writer.write(b"GET /v1/pho")
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_an_address_has_so_many_connections(start_gateway: StartGateway) -> None:
    async with start_gateway(trusted_proxies="[]", max_connections_per_address="3") as gateway:

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)

        opened = [await connect() for _ in range(3)]
        status, problem = await exchange(gateway, GET + b"\r\n")
        assert status == b"HTTP/1.1 429 Too Many Requests"
        assert problem["violated_policies"] == ["connections"]
        opened[0][1].close()

        async def accepted() -> bool:
            reader, writer = await connect()
            writer.write(GET + b"\r\n")
            line = await asyncio.wait_for(reader.readline(), 10)
            writer.close()
            return line == b"HTTP/1.1 200 OK\r\n"

        await eventually(accepted)
        for _, writer in opened:
            writer.close()


async def test_a_proxy_has_as_many_connections_as_it_wants(start_gateway: StartGateway) -> None:
    async with start_gateway(max_connections_per_address="3") as gateway:
        opened = [await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port) for _ in range(10)]
        for reader, writer in opened:
            writer.write(GET + b"\r\n")
            assert await asyncio.wait_for(reader.readline(), 10) == b"HTTP/1.1 200 OK\r\n"
            writer.close()


@pytest.mark.parametrize("segments", [1, 3])
@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.3"])
async def test_an_upgrade_is_not_passed_on_and_its_body_is(
    gateway: httpx.AsyncClient, service: Service, someone: dict[str, str], upgrade: bytes, segments: int
) -> None:
    body = b"DELETE /v1/posts/o_1 HTTP/1.1\r\nHost: x\r\n\r\n"
    token = someone["Authorization"].encode()
    head = b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + upgrade
    head += b"\r\nAuthorization: " + token + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    pieces = [head + body] if segments == 1 else [head, body[:5], body[5:]]
    reader, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    for piece in pieces:
        writer.write(piece)
        await asyncio.sleep(0.05)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 200 OK")
    writer.close()
    [seen] = service.seen
    assert (seen.method, seen.body, seen.header("upgrade")) == ("POST", body, None)
