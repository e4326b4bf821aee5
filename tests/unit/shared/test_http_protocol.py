"""The server's HTTP/1.1, on real connections."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from photomesh_shared.http.serving.protocol import BoundedProtocol, ConnectionLimits, bounded_protocol
from tests.support.listening import listening
from tests.support.waiting import eventually


@dataclass
class Recorder:
    """An app that records requests, and answers each with `size` bytes, or not before `go_on` is set."""

    seen: list[tuple[str, str, bytes]] = field(default_factory=list)
    size: int = 2
    go_on: asyncio.Event | None = None
    ended: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        self.seen.append((scope["method"], scope["path"], body))
        if self.go_on is not None:
            await self.go_on.wait()
        length = (b"content-length", str(self.size).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        for _ in range(self.size // 100_000):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await send({"type": "http.response.body", "body": bytes(self.size % 100_000)})
        self.ended += 1


@asynccontextmanager
async def connected(
    app: Recorder, limits: ConnectionLimits | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that serves the app."""
    protocol = bounded_protocol("https://api.example/problems", limits)
    async with listening(app, protocol, lifespan="off") as url:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def answers(reader: asyncio.StreamReader, count: int) -> None:
    """Reads so many answers of two bytes."""
    for _ in range(count):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert head.startswith(b"HTTP/1.1 200 "), head
        await reader.readexactly(2)


UPGRADES = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "websocket": b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
    "TLS": b"Connection: upgrade\r\nUpgrade: TLS/1.3\r\n",
    "several": b"Connection: Upgrade\r\nUpgrade: foo/1, h2c\r\n",
    "not for this hop": b"Upgrade: h2c\r\n",
}
LATE = b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n"  # a body that is a request, if the body is not read
BODIES = {
    "with a length": (b"Content-Length: %d\r\n" % len(LATE), LATE),
    "in chunks": (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(LATE), LATE)),
}


@pytest.mark.parametrize("framing", BODIES)
@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("segments", ["one", "three"])
async def test_a_request_that_offers_an_upgrade_keeps_its_body(segments: str, upgrade: str, framing: str) -> None:
    field_lines, body = BODIES[framing]
    head = b"POST /first HTTP/1.1\r\nHost: x\r\n" + UPGRADES[upgrade] + field_lines + b"\r\n"
    request = head + body + LATE.replace(b"late", b"second")
    cuts = (len(head) - 9, len(head) + 5) if segments == "three" else ()
    app = Recorder()
    async with connected(app) as (reader, writer):
        for start, end in zip((0, *cuts), (*cuts, len(request)), strict=True):
            writer.write(request[start:end])
            await asyncio.sleep(0.02)
        await answers(reader, 2)
        assert app.seen == [("POST", "/first", LATE), ("GET", "/second", b"")]
        writer.write(request)  # and the connection goes on
        await answers(reader, 2)
        assert app.seen[2:] == app.seen[:2]


async def test_an_upgrade_without_a_body_is_an_ordinary_request() -> None:
    app = Recorder()
    async with connected(app) as (reader, writer):
        writer.write(b"GET /first HTTP/1.1\r\nHost: x\r\n" + UPGRADES["h2c"] + b"\r\n" + LATE)
        await answers(reader, 2)
    assert app.seen == [("GET", "/first", b""), ("GET", "/late", b"")]


async def test_a_tunnel_is_refused() -> None:
    app = Recorder()
    async with connected(app) as (reader, writer):
        writer.write(b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n" + LATE)
        head, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["type"] == "https://api.example/problems/bad-request"
    assert app.seen == []


async def test_whoever_does_not_read_is_cut_off() -> None:
    app = Recorder(size=50_000_000)
    async with connected(app, ConnectionLimits(write_seconds=0.3)) as (_, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

        async def ended() -> int:
            return app.ended

        await eventually(ended, within=10)  # its task waits for nobody


async def test_whoever_does_not_read_the_last_answer_is_cut_off() -> None:
    """The connection is closed when the answer is complete, and much of it is still unsent."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000000")]})
        await send({"type": "http.response.body", "body": bytes(50_000_000)})

    lost = asyncio.Event()

    class Watched(BoundedProtocol):
        limits = ConnectionLimits(write_seconds=0.3)

        def connection_lost(self, exc: Exception | None) -> None:
            lost.set()
            super().connection_lost(exc)

    async with listening(app, Watched, lifespan="off") as url:
        _, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await asyncio.wait_for(lost.wait(), 10)
        writer.close()


async def test_a_slow_reader_gets_everything() -> None:
    app = Recorder(size=8_000_000)
    async with connected(app, ConnectionLimits(write_seconds=1.0)) as (reader, writer):
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        received = 0
        while piece := await asyncio.wait_for(reader.read(200_000), 10):
            received += len(piece)
            await asyncio.sleep(0.05)
    assert received == 8_000_000


def few_at_a_time(request: bytes, count: int, at_a_time: int) -> Iterable[bytes]:
    return (request * at_a_time for _ in range(count // at_a_time))


async def test_a_pipeline_has_an_end() -> None:
    app = Recorder(go_on=asyncio.Event())
    async with connected(app, ConnectionLimits(max_pipeline=10)) as (reader, writer):
        with suppress(ConnectionError):
            for piece in few_at_a_time(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 100_000, 1000):
                writer.write(piece)
                await writer.drain()
            assert await asyncio.wait_for(reader.read(), 10) == b""
        assert app.go_on is not None
        app.go_on.set()
        assert len(app.seen) <= 11


async def test_a_pipeline_goes_on_while_it_is_read() -> None:
    app = Recorder()
    async with connected(app, ConnectionLimits(max_pipeline=10)) as (reader, writer):
        for piece in few_at_a_time(LATE, 1000, 10):
            writer.write(piece)
            await answers(reader, 10)
    assert len(app.seen) == 1000


async def test_a_connection_ends_when_it_is_old() -> None:
    app = Recorder()
    async with connected(app, ConnectionLimits(age_seconds=0.0)) as (reader, writer):
        writer.write(LATE)
        head = (await asyncio.wait_for(reader.read(), 10)).lower()
        assert b"connection: close\r\n" in head
    async with connected(app) as (reader, writer):
        writer.write(LATE)
        assert b"connection" not in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
