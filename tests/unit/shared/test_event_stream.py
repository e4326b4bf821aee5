"""Server-Sent Events: how a stream is sent, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, RateClass, create_api_app
from photomesh_shared.http.event_stream import End, EventStream, StreamingApp, StreamLimits, encode_event
from photomesh_shared.http.serving.protocol import ConnectionLimits, bounded_protocol
from photomesh_shared.settings import ServiceSettings
from photomesh_shared.tokens.access import TokenVerifier
from tests.support.clock import run_virtually
from tests.support.listening import listening
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

FIRST, SECOND = encode_event("notification", '{"n":1}', event_id="1-0"), encode_event("notification", '{"n":2}')


class Client:
    """The ASGI server's side of one stream."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.at: list[float] = []
        self.complete = False
        self.left = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self.ends: list[End] = []

    async def receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self.reads, self.left)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if self.left.is_set():
            return
        self.sent += message["body"]
        self.at.append(asyncio.get_running_loop().time())
        self.complete = not message["more_body"]

    async def on_end(self, why: End) -> None:
        self.ends.append(why)

    def stream(self, expires_in: float = 900, **limits: Any) -> EventStream:
        return EventStream(expires_in=expires_in, on_end=self.on_end, limits=StreamLimits(**limits))


def virtually(test: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(Client())

    run_virtually(run())


@asynccontextmanager
async def running(stream: EventStream, client: Client) -> Any:
    task = asyncio.create_task(stream.run(client.receive, client.send))
    try:
        yield task
    finally:
        client.left.set()
        await task


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
        async with running(stream, client):
            await asyncio.sleep(1)
            stream.push(FIRST)
            stream.push(SECOND)
            await asyncio.sleep(31)
            assert client.sent == FIRST + SECOND + b":\n\n" * 2
            assert client.at == [1, 16, 31]
        assert client.ends == [End.CLIENT]

    virtually(test)


def test_it_ends_when_the_token_expires() -> None:
    async def test(client: Client) -> None:
        stream = client.stream(expires_in=40)
        async with running(stream, client) as task:
            await task
            assert asyncio.get_running_loop().time() == 40
        assert client.sent == b":\n\n" * 2 + b"event: reauth\ndata: {}\n\n"
        assert client.complete
        assert client.ends == [End.EXPIRED]

    virtually(test)


def test_a_client_that_leaves_ends_it_at_once() -> None:
    async def test(client: Client) -> None:
        async with running(client.stream(), client) as task:
            await asyncio.sleep(3)
            client.left.set()
            await task
            assert asyncio.get_running_loop().time() == 3
        assert client.ends == [End.CLIENT]

    virtually(test)


def test_a_reader_that_falls_behind_gets_a_reset_instead_of_what_it_missed() -> None:
    async def test(client: Client) -> None:
        stream = client.stream(queue=3)
        async with running(stream, client) as task:
            stream.push(FIRST)
            await asyncio.sleep(1)
            client.reads.clear()
            stream.push(FIRST)
            await asyncio.sleep(1)  # this one waits in the socket
            for _ in range(4):
                stream.push(SECOND)
            assert stream.ended is End.SLOW
            stream.push(SECOND)  # too late: nothing may follow the reset
            client.reads.set()
            await task
        assert bytes(client.sent) == FIRST * 2 + b'event: reset\ndata: {"reason":"slow"}\n\n'
        assert client.complete
        assert client.ends == [End.SLOW]

    virtually(test)


def test_a_reader_that_does_not_read_is_cut_off() -> None:
    async def test(client: Client) -> None:
        async with running(client.stream(write=20), client) as task:
            client.reads.clear()
            await task
            assert asyncio.get_running_loop().time() == 15 + 20  # the heartbeat, and the time for it
        assert not client.complete  # so the server closes the connection
        assert client.ends == [End.SLOW]

    virtually(test)


def test_a_server_that_disconnects_a_client_in_the_middle_of_a_write_found_it_slow() -> None:
    async def test(client: Client) -> None:
        async with running(client.stream(), client) as task:
            client.reads.clear()
            await asyncio.sleep(17)
            client.left.set()
            await task
        assert client.ends == [End.SLOW]

    virtually(test)


class Route:
    """An app that answers with a stream and leaves it to the `StreamingApp`."""

    def __init__(self) -> None:
        self.streams: list[EventStream] = []
        self.client = Client()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = self.client.stream()
        self.streams.append(stream)
        await stream(scope, receive, send)


def test_draining_spreads_the_ends() -> None:
    async def test(_: Client) -> None:
        route = Route()
        app = StreamingApp(route)
        ended: list[float] = []

        async def connect() -> None:
            client = Client()

            async def send(message: Message) -> None:
                if message["type"] == "http.response.body":
                    await client.send(message)

            await app({"type": "http"}, client.receive, send)
            assert client.complete
            ended.append(asyncio.get_running_loop().time())

        async with asyncio.TaskGroup() as group:
            for _number in range(200):
                group.create_task(connect())
            await asyncio.sleep(1)
            assert len(app) == 200
            app.drain(8)
            group.create_task(connect())  # a late one is told to leave too
        assert len(app) == 0
        assert len(ended) == 201
        assert max(ended) <= 9
        busiest = max(sum(begin <= end < begin + 1 for end in ended) for begin in range(1, 9))
        assert busiest < 60  # of 25 on average
        assert set(route.client.ends) == {End.DRAINED}

    virtually(test)


def test_a_head_that_cannot_be_sent_ends_the_stream() -> None:
    async def test(client: Client) -> None:
        async def send(_: Message) -> None:
            raise OSError

        scope: Scope = {"type": "http"}
        with suppress(OSError):
            await client.stream()(scope, client.receive, send)
        assert client.ends == [End.CLIENT]
        assert list(scope) == ["type"]

    virtually(test)


class Deps:
    def __init__(self, issuer: Issuer) -> None:
        async def keys() -> dict[str, Any]:
            return issuer.jwks()

        self.token_verifier = TokenVerifier(keys, issuer="photomesh", audience="photomesh-api")


def app_with_a_stream(client: Client, issuer: Issuer, streams: list[EventStream]) -> FastAPI:
    router = ApiRouter(tags=["things"])

    @router.get("/v1/things/stream", auth=Auth.REQUIRED, rate=RateClass.READ, summary="Stream things")
    async def stream_things(_: Viewer) -> EventStream:
        streams.append(client.stream())
        return streams[-1]

    @asynccontextmanager
    async def open_deps(_: Any) -> Any:
        yield Deps(issuer)

    return create_api_app(
        "Things", ServiceSettings(public_url="https://api.example"), open_deps, routers=[router], description=""
    )


async def test_through_an_app_and_a_server() -> None:
    client, issuer = Client(), Issuer()
    streams: list[EventStream] = []
    app = StreamingApp(app_with_a_stream(client, issuer, streams))
    protocol = bounded_protocol("", ConnectionLimits(write_seconds=5, age_seconds=0))  # older than that at once
    async with listening(app, protocol) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/v1/things/stream")).status_code == 401
        assert streams == []
        async with http.stream("GET", "/v1/things/stream", headers=issuer.headers(1)) as answer:
            assert answer.status_code == 200
            headers = answer.headers
            assert headers["content-type"] == "text/event-stream; charset=utf-8"
            assert headers["cache-control"] == "no-store, no-transform"
            assert headers["x-accel-buffering"] == "no"
            assert headers["request-id"].startswith("req_")
            assert "etag" not in headers
            pieces = answer.aiter_raw()
            for event in (FIRST, SECOND):
                streams[0].push(event)
                assert await anext(pieces) == event
            assert len(app) == 1
        await eventually(lambda: _is(len(app) == 0))
    assert client.ends == [End.CLIENT]


async def _is(truth: bool) -> bool:
    return truth
