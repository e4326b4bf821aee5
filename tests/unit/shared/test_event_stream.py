"""Server-Sent Events: how a stream is sent, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import uvloop
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, RateClass, create_api_app
from photomesh_shared.http.event_stream import (
    End,
    EventStream,
    EventStreamResponse,
    StreamingApp,
    StreamLimits,
    encode_event,
    streaming_protocol,
)
from photomesh_shared.http.serving.protocol import ConnectionLimits
from photomesh_shared.settings import ServiceSettings
from photomesh_shared.tokens.access import TokenVerifier
from tests.support.clock import run_virtually
from tests.support.listening import listening
from tests.support.stream_connections import Connection
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

FIRST, SECOND = encode_event("notification", '{"n":1}', event_id="1-0"), encode_event("notification", '{"n":2}')


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("streams begin elsewhere")


class Client(Connection):
    """The only one of a process."""

    def __init__(self) -> None:
        super().__init__()
        self.streams = StreamingApp(nothing)
        self.ends: list[End] = []

    async def on_end(self, why: End) -> None:
        self.ends.append(why)

    def stream(self, expires_in: float = 900, **limits: Any) -> EventStream:
        return EventStream(expires_in=expires_in, on_end=self.on_end, limits=StreamLimits(**limits))

    @asynccontextmanager
    async def listening(self, stream: EventStream) -> AsyncIterator[None]:
        self.carry(stream, self.streams)
        yield
        self.leave()
        await self.ended()
        assert len(self.streams) == 0


def virtually(test: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(Client())

    run_virtually(run())


def test_an_event_is_encoded_as_the_standard_says() -> None:
    assert encode_event("removed", "{}", event_id="5-1", retry=3000) == (
        b"event: removed\nid: 5-1\nretry: 3000\ndata: {}\n\n"
    )
    assert encode_event("note", "two\nlines") == b"event: note\ndata: two\ndata: lines\n\n"
    separator = "\u2028"  # ends a line for Python, not in the protocol
    assert encode_event("note", f'"{separator}"') == f'event: note\ndata: "{separator}"\n\n'.encode()


def test_events_are_sent_at_once_and_silence_is_filled_with_comments() -> None:
    async def test(client: Client) -> None:
        stream = client.stream()
        stream.push(FIRST)  # before the head is sent
        async with client.listening(stream):
            await asyncio.sleep(1)
            stream.push(FIRST)
            stream.push(SECOND)
            await asyncio.sleep(31)
            assert client.events == FIRST * 2 + SECOND + b":\n\n" * 2
            assert client.at == [0, 1, 1, 16, 31]
        assert client.ends == [End.CLIENT]

    virtually(test)


def test_it_ends_when_the_token_expires() -> None:
    async def test(client: Client) -> None:
        async with client.listening(client.stream(expires_in=40)):
            await client.ended()
            assert 40 <= asyncio.get_running_loop().time() < 42  # the connection is closed a little later
        assert client.at[-1] == 40
        assert client.events == b":\n\n" * 2 + b"event: reauth\ndata: {}\n\n"
        assert client.complete
        assert client.ends == [End.EXPIRED]

    virtually(test)


def test_a_client_that_leaves_ends_it_at_once() -> None:
    async def test(client: Client) -> None:
        async with client.listening(stream := client.stream()):
            await asyncio.sleep(3)
            client.leave()
            await client.ended()
            assert asyncio.get_running_loop().time() == 3
            stream.push(FIRST)  # too late
            await asyncio.sleep(60)
        assert client.events == b""
        assert client.ends == [End.CLIENT]

    virtually(test)


def test_a_client_that_left_before_it_began() -> None:
    async def test(client: Client) -> None:
        client.close()
        await asyncio.sleep(1)
        async with client.listening(client.stream()):
            await client.ended()
        assert client.ends == [End.CLIENT]

    virtually(test)


def test_a_reader_that_falls_behind_gets_a_reset_instead_of_what_it_missed() -> None:
    async def test(client: Client) -> None:
        stream = client.stream(queue=3)
        async with client.listening(stream):
            stream.push(FIRST)
            await asyncio.sleep(1)
            client.reads = False
            stream.push(FIRST)
            await asyncio.sleep(1)  # this one waits in the socket
            for _ in range(4):
                stream.push(SECOND)
            assert stream.ended is End.SLOW
            stream.push(SECOND)  # too late: nothing may follow the reset
            client.read_again()
            await client.ended()
        assert client.events == FIRST * 2 + b'event: reset\ndata: {"reason":"slow"}\n\n'
        assert client.complete
        assert client.ends == [End.SLOW]

    virtually(test)


def test_a_reader_that_reads_again_gets_what_waited() -> None:
    async def test(client: Client) -> None:
        stream = client.stream()
        async with client.listening(stream):
            client.reads = False
            for _ in range(3):
                stream.push(FIRST)
            await asyncio.sleep(19)
            client.read_again()
            await asyncio.sleep(10)
            stream.push(SECOND)
            assert client.events == FIRST * 3 + SECOND
        assert client.ends == [End.CLIENT]

    virtually(test)


def test_a_reader_that_does_not_read_is_cut_off() -> None:
    async def test(client: Client) -> None:
        async with client.listening(client.stream(write=20)):
            client.reads = False
            await client.ended()
            assert asyncio.get_running_loop().time() == 15 + 20  # the heartbeat, and the time for it
        assert not client.complete
        assert client.ends == [End.SLOW]

    virtually(test)


def test_a_reader_that_does_not_read_the_end_is_cut_off_too() -> None:
    async def test(client: Client) -> None:
        stream = client.stream(write=20)
        async with client.listening(stream):
            await asyncio.sleep(1)
            client.reads = False
            stream.push(FIRST)
            stream.end(End.DRAINED)
            await client.ended()
            assert asyncio.get_running_loop().time() == 21
        assert not client.complete
        assert client.ends == [End.SLOW]

    virtually(test)


def test_a_server_that_disconnects_a_client_in_the_middle_of_a_write_found_it_slow() -> None:
    async def test(client: Client) -> None:
        async with client.listening(client.stream()):
            client.reads = False
            await asyncio.sleep(17)
            client.leave()
            await client.ended()
        assert client.ends == [End.SLOW]

    virtually(test)


def test_draining_spreads_the_ends() -> None:
    async def test(client: Client) -> None:
        ended: list[float] = []
        clients = [Client() for _ in range(201)]

        async def end_of(one: Client) -> None:
            await one.ended()
            assert one.complete
            ended.append(one.at[-1])

        def begin(one: Client) -> None:
            one.carry(one.stream(), client.streams)

        for one in clients[:200]:
            begin(one)
        await asyncio.sleep(1)
        assert len(client.streams) == 200
        client.streams.drain(8)
        begin(clients[200])  # a late one has to leave, too
        await asyncio.gather(*map(end_of, clients))
        assert len(client.streams) == 0
        assert max(ended) <= 9
        busiest = max(sum(begin <= end < begin + 1 for end in ended) for begin in range(1, 9))
        assert busiest < 60  # of 25 on average
        assert {end for one in clients for end in one.ends} == {End.DRAINED}

    virtually(test)


def test_a_head_that_cannot_be_sent_ends_the_stream() -> None:
    async def test(client: Client) -> None:
        async def send(_: Message) -> None:
            raise OSError

        async def receive() -> Message:
            raise AssertionError("nothing is read")

        scope: Scope = {"type": "http"}
        stream = client.stream()
        with suppress(OSError):
            await EventStreamResponse(stream)(scope, receive, send)
        assert client.ends == [End.CLIENT]
        assert list(scope) == ["type"]
        stream.push(FIRST)  # nobody hears of it

    virtually(test)


class Deps:
    def __init__(self, issuer: Issuer) -> None:
        async def keys() -> dict[str, Any]:
            return issuer.jwks()

        self.token_verifier = TokenVerifier(keys, issuer="photomesh", audience="photomesh-api")


def app_with_a_stream(client: Client, issuer: Issuer, streams: list[EventStream]) -> FastAPI:
    router = ApiRouter(tags=["things"])

    @router.get("/v1/things/stream", auth=Auth.REQUIRED, rate=RateClass.READ, summary="Stream things")
    async def stream_things(_: Viewer) -> EventStreamResponse:
        streams.append(client.stream())
        return EventStreamResponse(streams[-1])

    @asynccontextmanager
    async def open_deps(_: Any) -> Any:
        yield Deps(issuer)

    return create_api_app(
        "Things", ServiceSettings(public_url="https://api.example"), open_deps, routers=[router], description=""
    )


class Server:
    """A server in this process with a stream at `/v1/things/stream`."""

    def __init__(self) -> None:
        self.issuer, self.client, self.streams = Issuer(), Client(), list[EventStream]()
        self.app = StreamingApp(app_with_a_stream(self.client, self.issuer, self.streams))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        protocol = streaming_protocol("", ConnectionLimits(write_seconds=5, age_seconds=0))  # older than that at once
        async with listening(self.app, protocol) as url:
            yield url

    async def are_open(self, number: int) -> None:
        async def look() -> int:
            return len(self.app)

        await eventually(look, until=lambda seen: seen == number)

    @property
    def request(self) -> bytes:
        token = self.issuer.headers(1)["Authorization"]
        return f"GET /v1/things/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode()


async def through_an_app_and_a_server() -> None:
    server = Server()
    async with server.running() as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/v1/things/stream")).status_code == 401
        assert server.streams == []
        async with http.stream("GET", "/v1/things/stream", headers=server.issuer.headers(1)) as answer:
            assert answer.status_code == 200
            headers = answer.headers
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert headers["cache-control"] == "no-store, no-transform"
            assert headers["x-accel-buffering"] == "no"
            assert headers["connection"] == "close"
            assert headers["request-id"].startswith("req_")
            assert "etag" not in headers
            pieces = answer.aiter_raw()
            for event in (FIRST, SECOND):
                server.streams[0].push(event)
                assert await anext(pieces) == event
            assert len(server.app) == 1
        await server.are_open(0)
        async with http.stream("GET", "/v1/things/stream", headers=server.issuer.headers(1)) as answer:
            await server.are_open(1)
            server.streams[1].push(FIRST)
            server.app.drain(0)
            assert b"".join([piece async for piece in answer.aiter_raw()]) == FIRST
        await server.are_open(0)
    assert server.client.ends == [End.CLIENT, End.DRAINED]


async def test_through_an_app_and_a_server() -> None:
    await through_an_app_and_a_server()


def test_through_an_app_and_a_server_on_uvloop() -> None:
    uvloop.run(through_an_app_and_a_server())


async def test_what_a_client_sends_after_its_request_is_ignored() -> None:
    """It was said that the connection will close; and a second request must not disturb the stream of the first."""
    server = Server()
    async with server.running() as url:
        reader, writer = await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port)
        writer.write(server.request * 2)
        await server.are_open(1)
        writer.write(server.request + b"\r\n\0" * 100_000)
        await writer.drain()
        server.streams[0].push(FIRST)
        assert FIRST in await asyncio.wait_for(reader.readuntil(FIRST), 10)
        server.app.drain(0)
        assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"\r\n0\r\n\r\n")
        writer.close()
    assert len(server.streams) == 1
    assert server.client.ends == [End.DRAINED]
