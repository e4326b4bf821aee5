"""Services that are down, slow, or break off; clients that leave; too much at once."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from tests.integration.gateway.conftest import Environment, StartGateway
from tests.integration.gateway.stand_in import Service, respond
from tests.support.listening import listening
from tests.support.problems import expect_problem
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually

HALF_A_POST = b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nAuthorization: %b\r\n\r\n{"
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def raw_service(handler: Handler) -> AsyncIterator[str]:
    """A service that speaks, or does not speak, byte by byte."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            await handler(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_service_that_is_down(start_gateway: StartGateway) -> None:
    async with start_gateway(post_url=f"http://127.0.0.1:{free_port()}") as gateway:
        answer = await gateway.get("/v1/photos/p_1")
        body = expect_problem(answer, 503, "upstream-unavailable")
        assert body["retryable"] is True
        assert int(answer.headers["retry-after"]) >= 1


async def test_a_service_that_cannot_be_connected_to(start_gateway: StartGateway) -> None:
    with socket.socket() as full:  # nobody accepts, and its queue is full
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        first = socket.create_connection(("127.0.0.1", port))
        async with start_gateway(post_url=f"http://127.0.0.1:{port}", connect_timeout="0.2") as gateway:
            expect_problem(await gateway.get("/v1/photos/p_1"), 504, "upstream-timeout")
        first.close()


async def test_a_slow_service(start_gateway: StartGateway, service: Service) -> None:
    ended = asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    service.answer = answer
    async with start_gateway(timeout_read="0.2") as gateway:
        answer_got = await gateway.get("/v1/photos/p_1")
        assert expect_problem(answer_got, 504, "upstream-timeout")["retryable"] is True
        await asyncio.wait_for(ended.wait(), 5)  # the service need not finish what nobody waits for
        service.answer = None

        async def served() -> bool:
            return (await gateway.get("/v1/photos/p_1")).status_code == 200

        await eventually(served)


async def test_an_answer_that_takes_too_long_is_cut(start_gateway: StartGateway, service: Service) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    service.answer = answer
    async with start_gateway(timeout_read="1") as gateway:
        with pytest.raises(httpx.RemoteProtocolError):  # never a whole answer that is not
            await gateway.get("/v1/photos/p_1")


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_a_service_that_breaks_off_in_the_middle(start_gateway: StartGateway, framing: str) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        start = b"4\r\nsome\r\n" if "chunked" in framing else b"some"
        writer.write(f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + start)
        await writer.drain()

    async with raw_service(handler) as url, start_gateway(post_url=url) as gateway:
        with pytest.raises(httpx.RemoteProtocolError):
            await gateway.get("/v1/photos/p_1")
        assert (await gateway.get("/v1/limits")).status_code == 200


async def test_a_service_that_speaks_no_http(start_gateway: StartGateway) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()

    async with raw_service(handler) as url, start_gateway(post_url=url) as gateway:
        expect_problem(await gateway.get("/v1/photos/p_1"), 502, "upstream-failed")


@pytest.mark.parametrize(
    ("method", "path", "times", "status"),
    [
        ("GET", "/v1/photos/p_1", 2, 200),
        ("DELETE", "/v1/posts/o_1", 2, 200),
        ("POST", "/v1/posts", 1, 502),
        ("PATCH", "/v1/posts/o_1", 1, 502),
    ],
)
async def test_a_connection_that_was_dead(
    start_gateway: StartGateway, someone: dict[str, str], method: str, path: str, times: int, status: int
) -> None:
    """Only what does no harm twice is asked twice."""
    asked = 0

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /v1/me "):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")  # and keeps the connection
                continue
            asked += 1
            if asked == 1:
                writer.transport.abort()
                return
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with raw_service(handler) as url, start_gateway(post_url=url, identity_url=url) as gateway:
        assert (await gateway.get("/v1/me", headers=someone)).status_code == 200
        body = b"{}" if method in ("POST", "PATCH") else None
        answer = await gateway.request(method, path, headers=someone, content=body)
        assert (answer.status_code, asked) == (status, times)
        if status == 502:
            expect_problem(answer, 502, "upstream-failed")


async def test_a_client_that_leaves_ends_the_request(gateway: httpx.AsyncClient, service: Service) -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        began.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        ended.set()

    service.answer = answer
    request = asyncio.create_task(gateway.get("/v1/photos/p_1"))
    await asyncio.wait_for(began.wait(), 5)
    request.cancel()
    await asyncio.wait_for(ended.wait(), 5)
    service.answer = None
    metrics = (await gateway.get("/metrics")).text
    assert 'route="/v1/photos/{photo_id}",status="499"' in metrics


async def test_a_client_that_leaves_while_it_sends(
    gateway: httpx.AsyncClient, service: Service, someone: dict[str, str]
) -> None:
    _, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
    writer.write(HALF_A_POST % someone["Authorization"].encode())
    await writer.drain()
    writer.close()

    async def recorded() -> bool:
        return 'route="/v1/posts",status="499"' in (await gateway.get("/metrics")).text

    await eventually(recorded)
    assert service.seen == []


@pytest.fixture
def busy(service: Service) -> asyncio.Event:
    """The service answers nothing until this is set."""
    free = asyncio.Event()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        service.seen.append(None)  # type: ignore[arg-type]
        await free.wait()
        await respond(send, b"{}")

    service.answer = answer
    return free


async def test_too_much_at_once_is_refused(start_gateway: StartGateway, service: Service, busy: asyncio.Event) -> None:
    async with start_gateway(max_in_flight="3", queue_length="2", queue_seconds="30") as gateway:
        inside = [asyncio.create_task(gateway.get("/v1/photos/p_1", timeout=30)) for _ in range(5)]

        async def full() -> bool:
            metrics = (await gateway.get("/metrics")).text
            counts = ('in_flight{upstream="post"} 3.0', 'waiting{upstream="post"} 2.0')
            return all(f"photomesh_gateway_{count}" in metrics for count in counts)

        await eventually(full)
        answer = await gateway.get("/v1/photos/p_1")
        expect_problem(answer, 503, "overloaded")
        assert answer.headers["retry-after"] == "1"
        assert (await gateway.get("/healthz")).status_code == 200  # and the probes are answered
        busy.set()
        assert {answer.status_code for answer in await asyncio.gather(*inside)} == {200}


async def test_nobody_waits_long_for_a_place(
    start_gateway: StartGateway, service: Service, busy: asyncio.Event
) -> None:
    async with start_gateway(max_in_flight="1", queue_seconds="0.05") as gateway:
        inside = asyncio.create_task(gateway.get("/v1/photos/p_1"))

        async def arrived() -> int:
            return len(service.seen)

        await eventually(arrived)
        expect_problem(await gateway.get("/v1/photos/p_1"), 503, "overloaded")
        busy.set()
        assert (await inside).status_code == 200


async def test_a_service_that_hangs_does_not_shed_the_others(
    start_gateway: StartGateway, service: Service, busy: asyncio.Event
) -> None:
    other = Service()
    shares = {"max_in_flight": "6", "max_in_flight_per_upstream": "3", "queue_length": "2", "queue_seconds": "30"}
    async with (
        listening(other, lifespan="off") as other_url,
        start_gateway(identity_url=other_url, feed_url=other_url, **shares) as gateway,
    ):
        hanging = [asyncio.create_task(gateway.get("/v1/photos/p_1", timeout=30)) for _ in range(5)]

        async def arrived() -> bool:
            return len(service.seen) == 3

        await eventually(arrived)
        expect_problem(await gateway.get("/v1/photos/p_1"), 503, "overloaded")
        answers = [await gateway.post("/v1/sessions", json={}) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        busy.set()
        assert {answer.status_code for answer in await asyncio.gather(*hanging)} == {200}


async def test_services_that_hang_lose_their_places_until_they_respond(
    start_gateway: StartGateway, service: Service, busy: asyncio.Event
) -> None:
    """Log-ins and feeds go on meanwhile, before the first time-out and after it."""
    other = Service()
    shares = {
        "max_in_flight": "40",
        "max_in_flight_per_upstream": "16",
        "reserved_in_flight": "4",
        "trials_in_flight": "2",
        "queue_length": "0",
        "timeout_read": "3",
    }
    async with (
        listening(other, lifespan="off") as other_url,
        start_gateway(identity_url=other_url, feed_url=other_url, **shares) as gateway,
    ):

        async def others_work() -> bool:
            answers = [await gateway.post("/v1/sessions", json={}) for _ in range(10)]
            return {answer.status_code for answer in answers} == {200}

        async def arrived() -> bool:
            return len(service.seen) == 16

        hanging = [asyncio.create_task(gateway.get("/v1/photos/p_1", timeout=30)) for _ in range(40)]
        await eventually(arrived)
        assert await others_work()
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*hanging))
        assert set(statuses) == {503, 504}
        assert statuses[504] >= 16
        assert 'concurrency_limit{upstream="post"} 2.0' in (await gateway.get("/metrics")).text
        hanging = [asyncio.create_task(gateway.get("/v1/photos/p_1", timeout=30)) for _ in range(40)]
        assert await others_work()
        statuses = Counter(answer.status_code for answer in await asyncio.gather(*hanging))
        assert set(statuses) == {503, 504}
        assert 2 <= statuses[504] < 16
        busy.set()
        for _ in range(14):
            assert (await gateway.get("/v1/photos/p_1")).status_code == 200
        answers = await asyncio.gather(*(gateway.get("/v1/photos/p_1") for _ in range(16)))
        assert {answer.status_code for answer in answers} == {200}


async def test_one_address_does_not_take_all_places(
    start_gateway: StartGateway, service: Service, busy: asyncio.Event
) -> None:
    async with start_gateway(max_in_flight_per_address="2") as gateway:
        inside = [asyncio.create_task(gateway.get("/v1/photos/p_1", timeout=30)) for _ in range(2)]

        async def arrived() -> bool:
            return len(service.seen) == 2

        await eventually(arrived)
        problem = expect_problem(await gateway.get("/v1/photos/p_1"), 429, "too-many-requests")
        assert problem["violated_policies"] == ["in-flight"]
        elsewhere = asyncio.create_task(gateway.get("/v1/photos/p_1", headers={"X-Forwarded-For": "192.0.2.77"}))
        await eventually(arrived, until=lambda _: len(service.seen) == 3)
        busy.set()
        assert {answer.status_code for answer in await asyncio.gather(*inside, elsewhere)} == {200}


async def test_a_slow_body_takes_no_place(
    start_gateway: StartGateway, service: Service, someone: dict[str, str]
) -> None:
    async with start_gateway(max_in_flight="1", queue_seconds="0.05") as gateway:
        _, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
        token = someone["Authorization"].encode()
        writer.write(
            b"POST /v1/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nAuthorization: " + token + b"\r\n\r\n{"
        )
        await asyncio.sleep(0.1)
        assert (await gateway.get("/v1/photos/p_1")).status_code == 200
        writer.close()


@pytest.mark.parametrize("pieces", [1, 100])
async def test_a_client_that_does_not_read_gives_its_place_back(
    start_gateway: StartGateway, service: Service, pieces: int
) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(pieces):
            await send({"type": "http.response.body", "body": bytes(20_000_000 // pieces), "more_body": True})
        await send({"type": "http.response.body"})

    service.answer = answer
    async with start_gateway(max_in_flight="1", queue_seconds="0.05", timeout_read="0.5") as gateway:
        _, writer = await asyncio.open_connection(gateway.base_url.host, gateway.base_url.port)
        writer.write(b"GET /v1/photos/p_1 HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        await asyncio.sleep(0.2)
        service.answer = None

        async def served() -> bool:
            return (await gateway.get("/v1/photos/p_1")).status_code == 200

        await eventually(served, within=5)
        writer.close()


async def test_on_sigterm_it_is_not_ready_serves_on_and_finishes_what_is_under_way(
    service_environment: Environment, service: Service, busy: asyncio.Event
) -> None:
    environment = {
        **service_environment("gateway"),
        "PHOTOMESH_POST_URL": service.url,
        "PHOTOMESH_DRAIN_DELAY": "1",
        "PHOTOMESH_LOG_LEVEL": "info",
    }
    async with process("photomesh_gateway", environment, port=free_port()) as running:
        async with httpx.AsyncClient(base_url=running.url) as client, httpx.AsyncClient(base_url=running.url) as other:
            under_way = asyncio.create_task(client.get("/v1/photos/p_1"))

            async def arrived() -> int:
                return len(service.seen)

            await eventually(arrived)
            running.kill(signal.SIGTERM)

            async def readiness() -> int:
                return (await other.get("/readyz")).status_code

            await eventually(readiness, until=lambda status: status == 503, within=5)
            assert (await other.get("/v1/limits")).status_code == 200

            async def refused() -> bool:
                try:
                    async with httpx.AsyncClient() as newcomer:
                        await newcomer.get(f"{running.url}/healthz")
                except httpx.ConnectError:
                    return True
                return False

            await eventually(refused, within=10)
            busy.set()
            assert (await under_way).status_code == 200
        assert await running.ended() in (0, -signal.SIGTERM)
        assert '"message": "GET /v1/photos/p_1 200"' in running.output
