"""Streams that last for as long as their clients listen."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

import httpx
import pytest
from prometheus_client.registry import Collector
from starlette.types import Receive, Scope, Send

from photomesh_gateway.app import Gateway
from photomesh_gateway.connections import gateway_protocol
from photomesh_gateway.metrics import STREAMS, STREAMS_ENDED
from photomesh_gateway.routing.router import Route
from photomesh_gateway.routing.table import ROUTES
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_gateway.settings import Settings
from photomesh_shared.http import Auth, RateClass
from photomesh_shared.http.serving.protocol import ConnectionLimits, bounded_protocol
from tests.integration.gateway.conftest import Environment, StartGateway
from tests.integration.gateway.stand_in import Service, respond
from tests.support.listening import listening
from tests.support.problems import expect_problem
from tests.support.services import settings_from
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

STREAM = "/v1/test-stream"
WITH_STREAM = (*ROUTES, Route("GET", STREAM, Upstream.POST, Auth.OPTIONAL, RateClass.STREAM, 0))
EVENT = b"event: test\ndata: {}\n\n"


class Events:
    """A service that streams what a test pushes."""

    def __init__(self) -> None:
        self.queues: list[asyncio.Queue[bytes]] = []
        self.left = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"].decode() != STREAM:
            await respond(send, b"{}")
            return
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        self.queues.append(queue)
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b":\n\n", "more_body": True})
        watch = asyncio.ensure_future(self._disconnected(receive))
        try:
            while not watch.done():
                piece = asyncio.ensure_future(queue.get())
                await asyncio.wait({piece, watch}, return_when=asyncio.FIRST_COMPLETED)
                if piece.done():
                    more = bool(piece.result())
                    await send({"type": "http.response.body", "body": piece.result(), "more_body": more})
                    if not more:
                        return
                else:
                    piece.cancel()
        finally:
            watch.cancel()
            self.left += 1

    @staticmethod
    async def _disconnected(receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


@pytest.fixture
def events(service: Service) -> Events:
    service.answer = events = Events()
    return events


async def are_open(number: int) -> None:
    async def look() -> float:
        return _value(STREAMS)

    await eventually(look, until=lambda seen: seen == number)


def ended(by: str) -> float:
    return _value(STREAMS_ENDED.labels(by))


def _value(metric: Collector) -> float:
    return next(sample.value for family in metric.collect() for sample in family.samples)


async def test_a_stream_has_no_deadline_and_no_compression(
    start_gateway: StartGateway, events: Events, someone: dict[str, str]
) -> None:
    async with start_gateway(WITH_STREAM, timeout_read="1") as gateway:
        async with gateway.stream("GET", STREAM, headers=someone) as answer:
            assert answer.status_code == 200
            assert "content-encoding" not in answer.headers
            assert answer.headers["cache-control"] == "no-store"
            pieces = answer.aiter_raw()
            assert await anext(pieces) == b":\n\n"
            for _ in range(4):
                await asyncio.sleep(0.3)  # longer than an answer may take, all together
                await events.queues[0].put(EVENT)
                assert await anext(pieces) == EVENT
            await are_open(1)
            await events.queues[0].put(b"")
            assert [piece async for piece in pieces] == []
        await are_open(0)


async def test_a_connection_that_is_old_keeps_its_stream(
    start_gateway: StartGateway, events: Events, someone: dict[str, str]
) -> None:
    aged = bounded_protocol("", ConnectionLimits(age_seconds=0))
    async with listening(events, aged, lifespan="off") as url, start_gateway(WITH_STREAM, post_url=url) as gateway:
        assert (await gateway.get("/v1/photos/p_1", headers=someone)).status_code == 200
        async with gateway.stream("GET", STREAM, headers=someone) as answer:
            pieces = answer.aiter_raw()
            await anext(pieces)
            await events.queues[0].put(EVENT)
            assert await anext(pieces) == EVENT


async def test_a_service_that_falls_silent(
    start_gateway: StartGateway, events: Events, someone: dict[str, str]
) -> None:
    silent = ended("silent")
    async with start_gateway(WITH_STREAM, stream_silence="0.3") as gateway:
        with pytest.raises(httpx.RemoteProtocolError):  # the client sees that this is no regular end
            await gateway.get(STREAM, headers=someone)
    assert ended("silent") == silent + 1


async def test_a_service_that_does_not_begin(
    start_gateway: StartGateway, service: Service, someone: dict[str, str]
) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    service.answer = answer
    async with start_gateway(WITH_STREAM, timeout_read="0.2") as gateway:
        expect_problem(await gateway.get(STREAM, headers=someone), 504, "upstream-timeout")
    await are_open(0)


async def test_a_client_that_leaves_is_missed(
    start_gateway: StartGateway, events: Events, someone: dict[str, str]
) -> None:
    async with start_gateway(WITH_STREAM) as gateway:
        async with gateway.stream("GET", STREAM, headers=someone) as answer:
            await anext(answer.aiter_raw())
        await are_open(0)

        async def left() -> int:
            return events.left

        await eventually(left)


async def test_an_account_has_a_few_streams(
    start_gateway: StartGateway, events: Events, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    someone, another = issuer.headers(new_id()), issuer.headers(new_id())
    async with start_gateway(WITH_STREAM, max_streams_per_account="2") as gateway, AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(gateway.stream("GET", STREAM, headers=someone))
        refused = await gateway.get(STREAM, headers=someone)
        assert expect_problem(refused, 429, "too-many-requests")["violated_policies"] == ["streams-account"]
        answer = await stack.enter_async_context(gateway.stream("GET", STREAM, headers=another))
        assert answer.status_code == 200
    await are_open(0)


async def test_streams_take_no_places_of_requests(
    start_gateway: StartGateway, events: Events, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    few = {"max_in_flight": "1", "max_in_flight_per_upstream": "1", "max_in_flight_per_address": "1"}
    async with start_gateway(WITH_STREAM, queue_length="0", **few) as gateway, AsyncExitStack() as stack:
        for _ in range(10):
            answer = await stack.enter_async_context(gateway.stream("GET", STREAM, headers=issuer.headers(new_id())))
            assert answer.status_code == 200
        assert (await gateway.get("/v1/photos/p_1")).status_code == 200
    await are_open(0)


async def test_a_stream_has_no_head(start_gateway: StartGateway, events: Events) -> None:
    async with start_gateway(WITH_STREAM) as gateway:
        answer = await gateway.head(STREAM)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "GET, OPTIONS"


async def test_a_client_that_does_not_read_is_cut_off(
    start_gateway: StartGateway, events: Events, someone: dict[str, str]
) -> None:
    slow = ended("slow") + ended("client")
    async with start_gateway(WITH_STREAM, write_seconds="0.5") as gateway:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((gateway.base_url.host, gateway.base_url.port))
            head = f"GET {STREAM} HTTP/1.1\r\nHost: x\r\nAuthorization: {someone['Authorization']}\r\n\r\n"
            client.sendall(head.encode())
            await are_open(1)

            async def push() -> bool:
                await events.queues[0].put(EVENT * 50_000)
                return ended("slow") + ended("client") > slow

            await eventually(push, within=30)
    await are_open(0)


async def test_draining_ends_streams_in_good_order(
    service_environment: Environment, service: Service, events: Events, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    settings = settings_from(
        Settings,
        service_environment("gateway"),
        post_url=service.url,
        drain_streams_seconds="0.5",
        trusted_proxies='["127.0.0.0/8"]',
    )
    app = Gateway(settings, WITH_STREAM)
    async with listening(app, gateway_protocol(settings)) as url, httpx.AsyncClient(base_url=url) as client:

        async def listen() -> bytes:
            answer = await client.get(STREAM, headers=issuer.headers(new_id()))
            return answer.content  # raises RemoteProtocolError for a stream that was cut

        streams = [asyncio.create_task(listen()) for _ in range(20)]
        try:
            await are_open(20)
            app.drain_streams()
            assert await asyncio.wait_for(asyncio.gather(*streams), 20) == [b":\n\n"] * 20
        finally:
            for stream in streams:
                stream.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*streams, return_exceptions=True)
    await are_open(0)
