"""Calls between services, against a local server with scripted responses."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from photomesh_shared.errors import DatabaseUnavailable, ServiceUnavailable, Unavailable
from photomesh_shared.internal_api.post import (
    GET_POST_COUNT,
    GET_POSTS,
    GET_TIMELINES,
    PostCount,
    PostsQuery,
    TimelinesQuery,
)
from photomesh_shared.internal_api.social_graph import GET_FOLLOWERS
from photomesh_shared.observability import logs, tracing
from photomesh_shared.service_client import ServiceClient, ServiceResponse, open_session
from tests.support.clock import FakeClock

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ok(body: object = None) -> Respond:
    async def respond(_: web.Request) -> web.Response:
        return web.json_response(body)

    return respond


def status(code: int) -> Respond:
    async def respond(_: web.Request) -> web.Response:
        return web.Response(status=code)

    return respond


async def hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@dataclass
class Service:
    """Responds to one request after another as planned, the last way for ever."""

    plan: list[Respond] = field(default_factory=lambda: [ok({})])
    requests: list[tuple[str, str, bytes]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs, await request.read()))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        respond = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
        return await respond(request)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", service.handle)
    async with TestServer(app) as server:
        service.url = str(server.make_url("")).rstrip("/")
        yield service


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session() as session:
        yield session


@pytest.fixture
def client(session: aiohttp.ClientSession, service: Service) -> ServiceClient:
    return ServiceClient(session, "post", service.url, randomness=random.Random(1))


async def test_operations_are_encoded_and_decoded(client: ServiceClient, service: Service) -> None:
    service.plan = [ok({"posts": 3, "added_later": 1}), ok({"posts": []}), ok({"timelines": {"u_2": ["o_5", "o_4"]}})]
    assert await client.call(GET_POST_COUNT, account_id="u_1") == PostCount(posts=3)
    assert (await client.call(GET_POSTS, query=PostsQuery(ids=[1, 62]))).posts == []
    timelines = await client.call(GET_TIMELINES, body=TimelinesQuery(author_ids=[2], before=None))
    assert timelines.timelines == {2: [5, 4]}
    [count, posts, (method, path, body)] = service.requests
    assert count == ("GET", "/internal/accounts/u_1/posts/count", b"")
    assert posts == ("GET", "/internal/posts?ids=o_1,o_10", b"")
    assert (method, path) == ("POST", "/internal/timelines")
    assert json.loads(body) == {"author_ids": ["u_2"], "before": None, "limit": 50}


async def test_bytes_are_returned_as_they_are(client: ServiceClient, service: Service) -> None:
    async def respond(_: web.Request) -> web.Response:
        return web.Response(body=b"\x00\x01")

    service.plan = [respond]
    assert await client.call(GET_FOLLOWERS, user_id="u_1") == b"\x00\x01"


async def test_trace_and_request_id_are_forwarded(client: ServiceClient, service: Service) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    token = logs.request_id.set("req_12345678")
    try:
        with tracing.extract({"traceparent": trace}, "test"):
            await client.request("GET", "/", headers={"Authorization": "Bearer x"})
    finally:
        logs.request_id.reset(token)
    [headers] = service.headers
    assert headers["request-id"] == "req_12345678"
    assert headers["traceparent"].split("-")[1] == trace.split("-")[1]
    assert headers["authorization"] == "Bearer x"


@pytest.mark.parametrize("failure", [status(502), status(503), status(504), status(429), hang_up])
async def test_idempotent_calls_are_retried(client: ServiceClient, service: Service, failure: Respond) -> None:
    service.plan = [failure, failure, ok({"posts": 1})]
    assert (await client.call(GET_POST_COUNT, account_id="u_1")).posts == 1


async def test_a_read_by_post_is_retried_and_another_post_is_not(client: ServiceClient, service: Service) -> None:
    service.plan = [status(503), ok({"timelines": {}})]
    await client.call(GET_TIMELINES, body=TimelinesQuery(author_ids=[]))
    assert len(service.requests) == 2
    service.plan = [status(503), ok({})]
    with pytest.raises(Unavailable):
        await client.request("POST", "/", body=b"{}")
    assert len(service.requests) == 3


async def test_attempts_are_bounded_and_the_error_names_the_service(client: ServiceClient, service: Service) -> None:
    service.plan = [status(503)]
    with pytest.raises(ServiceUnavailable, match="post does not answer"):
        await client.request("GET", "/")
    assert len(service.requests) == 3


async def test_a_caller_may_choose_the_error(session: aiohttp.ClientSession, service: Service) -> None:
    service.plan = [status(500)]
    client = ServiceClient(session, "post", service.url, unavailable=DatabaseUnavailable)
    with pytest.raises(DatabaseUnavailable):
        await client.call(GET_POST_COUNT, account_id="u_1")
    assert len(service.requests) == 1  # it may be this request that the service cannot bear


async def test_statuses_that_the_caller_expects_are_responses(client: ServiceClient, service: Service) -> None:
    service.plan = [status(404)]
    assert await client.request("GET", "/", expected={200, 404}) == ServiceResponse(404, b"")
    with pytest.raises(Unavailable):
        await client.request("GET", "/")


@pytest.mark.parametrize("body", [{"posts": "many"}, {}, []])
async def test_a_response_that_breaks_the_contract_is_a_failure(
    client: ServiceClient, service: Service, body: object
) -> None:
    service.plan = [ok(body)]
    with pytest.raises(Unavailable, match="unexpected response"):
        await client.call(GET_POST_COUNT, account_id="u_1")


async def test_the_time_limit_holds_for_all_attempts(session: aiohttp.ClientSession, service: Service) -> None:
    async def never(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    service.plan = [status(503), never]
    client = ServiceClient(session, "post", service.url, timeout=0.3)
    started = asyncio.get_running_loop().time()
    with pytest.raises(Unavailable):
        await client.request("GET", "/")
    assert 0.25 < asyncio.get_running_loop().time() - started < 1.5
    assert len(service.requests) == 2


async def test_nobody_listens(session: aiohttp.ClientSession, unused_tcp_port: int) -> None:
    client = ServiceClient(session, "post", f"http://127.0.0.1:{unused_tcp_port}", timeout=0.5)
    with pytest.raises(Unavailable):
        await client.request("GET", "/")


async def test_concurrency_is_bounded_and_cancelled_calls_free_their_place(
    session: aiohttp.ClientSession, service: Service
) -> None:
    gate, full, inside, most = asyncio.Event(), asyncio.Event(), 0, 0

    async def wait(_: web.Request) -> web.Response:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        if inside == 3:
            full.set()
        try:
            await gate.wait()
        finally:
            inside -= 1
        return web.json_response({})

    service.plan = [wait]
    client = ServiceClient(session, "post", service.url, concurrency=3)
    cancelled = [asyncio.create_task(client.request("GET", "/")) for _ in range(3)]
    calls = [asyncio.create_task(client.request("GET", "/")) for _ in range(7)]
    await full.wait()
    for call in cancelled:
        call.cancel()
    gate.set()
    assert len(await asyncio.gather(*calls)) == 7
    assert most <= 3 + len(cancelled)  # the server may notice late that a client has gone
    assert len(service.requests) <= 10


async def test_a_service_that_is_down_is_left_alone_for_a_while(
    session: aiohttp.ClientSession, service: Service
) -> None:
    clock = FakeClock()
    client = ServiceClient(session, "post", service.url, attempts=1, clock=clock)
    service.plan = [status(503)]
    for _ in range(20):
        with pytest.raises(ServiceUnavailable):
            await client.request("GET", "/")
    assert len(service.requests) == 5
    await clock.advance(1.0)
    for _ in range(20):  # one trial
        with pytest.raises(ServiceUnavailable):
            await client.request("GET", "/")
    assert len(service.requests) == 6
    service.plan = [ok({})]
    await clock.advance(1.0)
    for _ in range(20):
        await client.request("GET", "/")
    assert len(service.requests) == 26
