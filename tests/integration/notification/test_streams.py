"""Live streams: real processes, through the gateway, beside the real Redis."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse
from redis.asyncio import Redis

from photomesh_notification.store.connection import open_redis
from photomesh_notification.store.streams import LOG_ENTRIES, StreamLog, log_key, open_key
from tests.integration.notification.streaming import GROUP, PATH, Environment, Writer, gateway_before
from tests.support.problems import expect_problem
from tests.support.redis import as_administrator
from tests.support.services import Process, process
from tests.support.tokens import Issuer, free_port
from tests.support.waiting import eventually

Headers = dict[str, str]


@pytest.fixture(scope="module")
async def service(environment: Environment) -> AsyncIterator[Process]:
    """Without a pause between deliveries: tests are not to wait for it."""
    values = dict(environment("notification-stream")) | {"PHOTOMESH_STREAM_EVENT_SECONDS": "0"}
    async with process("photomesh_notification.stream", values, port=free_port()) as running:
        yield running


@pytest.fixture(scope="module")
async def gateway(service: Process, environment: Environment) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway_before(service.url, environment) as client:
        yield client


@pytest.fixture(scope="module")
async def live(environment: Environment) -> AsyncIterator[Writer]:
    async with open_redis(environment("notification-writer")["PHOTOMESH_FEED_REDIS_URL"]) as redis:
        yield Writer(redis)


@pytest.fixture
async def administrator(environment: Environment) -> AsyncIterator[Redis]:
    async with open_redis(as_administrator(environment("notification-stream")["PHOTOMESH_FEED_REDIS_URL"])) as redis:
        yield redis


@pytest.fixture
def account_id(new_id: Callable[[], int]) -> int:
    return new_id()


@pytest.fixture
def someone(issuer: Issuer, account_id: int) -> Headers:
    return issuer.headers(account_id)


class Reader:
    """Reads one stream in the background."""

    def __init__(
        self, client: httpx.AsyncClient, headers: Headers, last_id: str | None = None, query: str = ""
    ) -> None:
        self.events: list[tuple[str, str | None, Any]] = []
        self.status = 0
        self.ended = False
        self._client, self._query = client, query
        self._headers = headers | ({"Last-Event-ID": last_id} if last_id else {})
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async with self._client.stream("GET", PATH + self._query, headers=self._headers) as answer:
            self.status = answer.status_code
            fields: dict[str, str] = {}
            async for line in answer.aiter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "event" in fields:
                    self.events.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
                    fields = {}
                else:
                    fields = {}
        self.ended = True

    async def __aenter__(self) -> Reader:
        await self.has(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def has(self, number: int) -> None:
        async def look() -> list[Any]:
            if self._task.done():
                self._task.result()
            return self.events

        await eventually(look, until=lambda events: len(events) >= number, within=30)

    async def is_over(self) -> None:
        await asyncio.wait_for(self._task, 30)

    @property
    def last_id(self) -> str | None:
        return self.events[-1][1]

    @property
    def groups(self) -> list[str]:
        return [data["id"] for event, _, data in self.events if event == "notification"]


async def test_what_changes_is_sent(
    gateway: httpx.AsyncClient, live: Writer, account_id: int, someone: Headers, administrator: Redis
) -> None:
    await live.changed(account_id, GROUP, 1)
    assert not await administrator.exists(log_key(account_id))  # nobody has ever listened, so nothing is kept
    async with Reader(gateway, someone) as reader, Reader(gateway, someone) as second:
        await live.changed(account_id, GROUP, 2)
        await reader.has(2)
        await live.changed(account_id, GROUP, 2)  # delivered again, as after a crash
        await live.changed(account_id, GROUP, 1)
        await live.changed(account_id, GROUP, 3, removed=True)
        await reader.has(3)
        await second.has(3)
    assert [(event, data) for event, _, data in reader.events] == [
        ("ready", {"resumed": False}),
        ("notification", {"id": GROUP}),
        ("removed", {"id": GROUP}),
    ]
    assert second.events[1:] == reader.events[1:]


async def test_resuming_misses_nothing_and_repeats_nothing(
    gateway: httpx.AsyncClient, live: Writer, account_id: int, someone: Headers
) -> None:
    async with Reader(gateway, someone) as reader:
        await live.changed(account_id, "comment.c_1", 1)
        await reader.has(2)
    missed = [f"comment.c_{number}" for number in range(2, 12)]
    for group in missed:
        await live.changed(account_id, group, 1)
    async with Reader(gateway, someone, reader.last_id) as again:
        await live.changed(account_id, "comment.c_99", 1)
        await again.has(12)
        assert again.events[0] == ("ready", reader.last_id, {"resumed": True})
        assert again.groups == [*missed, "comment.c_99"]
    async with Reader(gateway, someone, query=f"?last_event_id={reader.last_id}") as queried:
        await queried.has(12)
        assert queried.groups == again.groups


@pytest.mark.parametrize("position", ["1-0", "nonsense", "99999999999999999-0"])
async def test_an_unknown_position_is_reset(gateway: httpx.AsyncClient, someone: Headers, position: str) -> None:
    async with Reader(gateway, someone, position) as reader:
        assert reader.events[0][0] == "reset"


async def test_a_position_that_was_trimmed_is_reset(
    gateway: httpx.AsyncClient, live: Writer, account_id: int, someone: Headers
) -> None:
    async with Reader(gateway, someone) as reader:
        pass
    for number in range(LOG_ENTRIES + 1):
        await live.changed(account_id, GROUP, number + 1)
    async with Reader(gateway, someone, reader.last_id) as again:
        assert again.events[0][0] == "reset"


async def test_without_a_token_or_a_ticket(gateway: httpx.AsyncClient) -> None:
    expect_problem(await gateway.get(PATH), 401, "missing-token")
    expect_problem(await gateway.get(f"{PATH}?ticket=made-up"), 401, "invalid-stream-ticket")


async def test_a_ticket_is_good_for_one_stream(
    gateway: httpx.AsyncClient, live: Writer, account_id: int, someone: Headers
) -> None:
    answer = await gateway.post("/v1/notifications/stream-tickets", headers=someone)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 30
    query = f"?ticket={answer.json()['ticket']}"
    async with Reader(gateway, {}, query=query) as reader:
        await live.changed(account_id, GROUP, 1)
        await reader.has(2)
        expect_problem(await gateway.get(PATH + query), 401, "invalid-stream-ticket")


async def test_a_stream_ends_with_its_token(gateway: httpx.AsyncClient, issuer: Issuer, account_id: int) -> None:
    async with Reader(gateway, issuer.headers(account_id, expires_in=2)) as reader:
        await reader.is_over()
    assert reader.events[-1][0] == "reauth"
    assert reader.ended


async def test_an_account_has_five_streams_with_all_processes(
    service: Process, environment: Environment, account_id: int, someone: Headers, administrator: Redis
) -> None:
    values = environment("notification-stream")
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(process("photomesh_notification.stream", values, port=free_port()))
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=one.url, timeout=30)) for one in (service, other)
        ]
        async with AsyncExitStack() as readers:
            for number in range(5):
                await readers.enter_async_context(Reader(clients[number % 2], someone))
            for client in clients:
                refused = await client.get(PATH, headers=someone)
                expect_problem(refused, 429, "too-many-streams")
                assert refused.headers["retry-after"] == "30"
            assert await administrator.zcard(open_key(account_id)) == 5

        async def leases() -> int:
            return int(await administrator.exists(open_key(account_id)))

        await eventually(leases, until=lambda number: number == 0)  # push may wake the phone again
        async with Reader(clients[0], someone):
            pass


async def test_leases_are_renewed_and_lost_logs_noticed(
    environment: Environment, new_id: Callable[[], int], administrator: Redis
) -> None:
    accounts = [new_id() for _ in range(250)]  # more than fit into a script
    leases = [(account_id, f"lease-{account_id}") for account_id in accounts]
    kept, lost = accounts[0], accounts[-1]
    async with open_redis(environment("notification-stream")["PHOTOMESH_FEED_REDIS_URL"]) as redis:
        log = StreamLog(redis)
        for account_id, lease in leases:
            assert await log.open(account_id, lease, None)
        await administrator.delete(log_key(lost))
        await administrator.pexpire(open_key(kept), 5_000)
        first = await administrator.zscore(open_key(kept), f"lease-{kept}")
        assert await log.renew(leases) == {lost}
    assert await administrator.pttl(open_key(kept)) > 5_000
    renewed = await administrator.zscore(open_key(kept), f"lease-{kept}")
    assert first is not None
    assert renewed is not None
    assert renewed > first
    assert await administrator.zcard(open_key(kept)) == 1


async def test_a_log_that_redis_lost_is_reset(
    environment: Environment, live: Writer, account_id: int, someone: Headers, administrator: Redis
) -> None:
    """And a subscription that Redis cut is made again."""
    values = dict(environment("notification-stream")) | {"PHOTOMESH_STREAM_EVENT_SECONDS": "0"}
    async with process("photomesh_notification.stream", values, port=free_port()) as running:
        async with httpx.AsyncClient(base_url=running.url, timeout=30) as client, Reader(client, someone) as reader:
            await administrator.delete(log_key(account_id))
            await _cut_subscriptions(administrator)
            await reader.has(2)
            assert reader.events[1][0] == "reset"
            await live.changed(account_id, GROUP, 1)
            await reader.has(3)
            assert reader.groups == [GROUP]


async def test_what_comes_while_the_subscription_is_cut_is_sent(
    gateway: httpx.AsyncClient, live: Writer, account_id: int, someone: Headers, administrator: Redis
) -> None:
    expected = []
    async with Reader(gateway, someone) as reader:
        for number in range(20):
            if number % 5 == 0:
                await _cut_subscriptions(administrator)
            expected.append(f"comment.c_{number}")
            await live.changed(account_id, expected[-1], 1)
        await reader.has(21)
        assert reader.groups == expected


async def _cut_subscriptions(administrator: Redis) -> None:
    await administrator.client_kill_filter(_type="pubsub")


async def test_a_reader_that_stops_reading_is_cut_off(
    service: Process, environment: Environment, live: Writer, account_id: int, someone: Headers
) -> None:
    """And another reader of the same account does not notice."""
    async with gateway_before(service.url, environment, write_seconds="1") as gateway:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.connect((gateway.base_url.host, gateway.base_url.port))
            deaf.sendall(
                f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: {someone['Authorization']}\r\n\r\n".encode()
            )
            async with Reader(gateway, someone) as reader:
                version = 0

                async def is_cut_off() -> bool:
                    nonlocal version
                    for _ in range(300):
                        version += 1
                        await live.changed(account_id, "comment." + "c" * 8_000, version)
                    text = (await gateway.get(f"{service.url}/metrics")).text
                    return "photomesh_notification_streams 1.0" in text.splitlines()

                await eventually(is_cut_off, within=60)
                seen = len(reader.events)
                await live.changed(account_id, GROUP, version + 1)
                await reader.has(seen + 1)


async def test_a_restart_under_many_streams(
    environment: Environment, live: Writer, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    """One process ends while things change; its clients resume at another, and each event is seen once."""
    values = dict(environment("notification-stream")) | {
        "PHOTOMESH_STREAM_EVENT_SECONDS": "0",
        "PHOTOMESH_DRAIN_STREAMS_SECONDS": "1",
    }
    accounts = [new_id() for _ in range(40)]
    async with AsyncExitStack() as stack:
        old, new = [
            await stack.enter_async_context(process("photomesh_notification.stream", values, port=free_port()))
            for _ in range(2)
        ]
        limits = httpx.Limits(max_connections=None)
        before, after = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=one.url, timeout=30, limits=limits))
            for one in (old, new)
        ]
        readers = [
            await stack.enter_async_context(Reader(before, issuer.headers(account_id))) for account_id in accounts
        ]
        old.kill(signal.SIGTERM)
        ended = asyncio.create_task(old.ended())
        published = 0
        while not ended.done():
            for account_id in accounts:
                await live.changed(account_id, f"comment.c_{published}", 1)
            published += 1
            await asyncio.sleep(0.05)
        assert ended.result() == -signal.SIGTERM, old.output[-2000:]
        for reader in readers:
            await reader.is_over()
            assert reader.ended  # in good order
        again = [
            await stack.enter_async_context(Reader(after, issuer.headers(account_id), reader.last_id))
            for account_id, reader in zip(accounts, readers, strict=True)
        ]
        for first, second in zip(readers, again, strict=True):
            if second.events[0][0] != "reset":
                await second.has(1 + published - len(first.groups))
                assert first.groups + second.groups == [f"comment.c_{number}" for number in range(published)]
        assert any(second.events[0][0] == "ready" for second in again)


async def test_sigterm_of_a_gateway_under_streams(
    service: Process, environment: Environment, live: Writer, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    """The process ends their streams in good order; at another gateway they resume, and miss nothing."""
    values = dict(environment("gateway")) | {
        "PHOTOMESH_NOTIFICATION_STREAM_URL": service.url,
        "PHOTOMESH_DRAIN_DELAY": "1",
        "PHOTOMESH_DRAIN_STREAMS_SECONDS": "1",
    }
    values["PHOTOMESH_REDIS_URL"] = values["PHOTOMESH_REDIS_URL"].removesuffix("/0") + "/1"
    accounts = [new_id() for _ in range(20)]
    async with AsyncExitStack() as stack:
        old, new = [
            await stack.enter_async_context(process("photomesh_gateway", values, port=free_port())) for _ in range(2)
        ]
        limits = httpx.Limits(max_connections=None)
        before, after = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=one.url, timeout=30, limits=limits))
            for one in (old, new)
        ]
        readers = [
            await stack.enter_async_context(Reader(before, issuer.headers(account_id))) for account_id in accounts
        ]
        for account_id in accounts:
            await live.changed(account_id, "comment.c_1", 1)
        for reader in readers:
            await reader.has(2)
        old.kill(signal.SIGTERM)
        for reader in readers:
            await reader.is_over()
            assert reader.ended  # in good order
        assert await old.ended(60) in (0, -signal.SIGTERM), old.output[-2000:]
        for account_id in accounts:
            await live.changed(account_id, "comment.c_2", 1)
        again = [
            await stack.enter_async_context(Reader(after, issuer.headers(account_id), reader.last_id))
            for account_id, reader in zip(accounts, readers, strict=True)
        ]
        for first, second in zip(readers, again, strict=True):
            await second.has(2)
            assert second.events[0][0] == "ready"
            assert first.groups + second.groups == ["comment.c_1", "comment.c_2"]


async def test_a_client_of_somebody_else_reads_the_stream(
    gateway: httpx.AsyncClient, live: Writer, account_id: int, someone: Headers
) -> None:
    """httpx-sse parses what is sent, and knows the position to resume at."""
    async with aconnect_sse(gateway, "GET", PATH, headers=someone) as source:
        source.response.raise_for_status()
        events = source.aiter_sse()
        ready = await anext(events)
        assert (ready.event, ready.json()) == ("ready", {"resumed": False})
        assert ready.retry is not None
        assert 2_000 <= ready.retry <= 4_000
        await live.changed(account_id, GROUP, 1)
        first = await anext(events)
        assert (first.event, first.json()["id"]) == ("notification", GROUP)
    await live.changed(account_id, GROUP, 2, removed=True)
    async with aconnect_sse(gateway, "GET", PATH, headers=someone | {"Last-Event-ID": first.id}) as source:
        events = source.aiter_sse()
        assert (await anext(events)).json() == {"resumed": True}
        missed = await anext(events)
        assert (missed.event, missed.json()) == ("removed", {"id": GROUP})
