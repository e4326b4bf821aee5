"""Rate limits on the real Redis, and without it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from photomesh_gateway.ratelimit.buckets import RedisBuckets
from photomesh_gateway.ratelimit.redis_pipe import RedisPipe, RedisUnreachable, ReplyError
from photomesh_shared.concurrency.gcra import SCRIPT, Policy, Rate, take
from tests.integration.gateway.conftest import Environment, StartGateway
from tests.integration.gateway.stand_in import Service
from tests.support.problems import expect_problem
from tests.support.redis import as_administrator
from tests.support.tokens import Issuer
from tests.support.waiting import eventually


async def test_too_many_requests_and_then_waiting_as_told(
    start_gateway: StartGateway, service: Service, someone: dict[str, str]
) -> None:
    async with start_gateway(rate_read="2/2") as gateway:
        for left in (1, 0):
            answer = await gateway.get("/v1/me", headers=someone)
            assert answer.status_code == 200
            assert '"read";q=2;w=2' in answer.headers["ratelimit-policy"]
            assert f'"read";r={left};t={1 - left}' in answer.headers["ratelimit"]
        answer = await gateway.get("/v1/me", headers=someone)
        assert expect_problem(answer, 429, "too-many-requests")["violated_policies"] == ["read"]
        assert answer.headers["retry-after"] == "1"
        assert '"read";r=0' in answer.headers["ratelimit"]
        assert len(service.seen) == 2

        async def status() -> int:
            return (await gateway.get("/v1/me", headers=someone)).status_code

        await eventually(status, until=lambda status: status == 200)  # those that were refused did not count


async def test_a_budget_of_the_day(start_gateway: StartGateway, service: Service, someone: dict[str, str]) -> None:
    async with start_gateway(budget_toggles="2", redis_timeout="5") as gateway:
        for _ in range(2):
            assert (await gateway.put("/v1/posts/o_1/like", headers=someone)).status_code == 200
        answer = await gateway.put("/v1/posts/o_2/like", headers=someone)
        problem = expect_problem(answer, 429, "budget-exhausted")
        assert (problem["quota"], problem["counted_by"], problem["limit"]) == ("toggles", "account", 2)
        assert 43_190 < int(answer.headers["retry-after"]) <= 43_200
        assert (await gateway.delete("/v1/posts/o_1/like", headers=someone)).status_code == 200
        assert len(service.seen) == 3


async def test_all_gateways_count_together(
    start_gateway: StartGateway, someone: dict[str, str], service: Service
) -> None:
    async with start_gateway(rate_user="10/3600") as one, start_gateway(rate_user="10/3600") as other:
        answers = await asyncio.gather(
            *(gateway.get("/v1/me", headers=someone) for _ in range(10) for gateway in (one, other))
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 10
        assert len(service.seen) == 10


async def test_logging_in_is_limited_by_address(start_gateway: StartGateway) -> None:
    async with start_gateway(rate_auth="2/3600") as gateway:
        for _ in range(2):
            assert (await gateway.post("/v1/sessions", json={})).status_code == 200
        answer = await gateway.post("/v1/accounts", json={})
        assert expect_problem(answer, 429, "too-many-requests")["violated_policies"] == ["auth"]
        elsewhere = {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}::1"}
        assert (await gateway.post("/v1/sessions", json={}, headers=elsewhere)).status_code == 200
        assert (await gateway.get("/v1/photos/p_1")).status_code == 200  # another class


async def test_bad_tokens_are_counted_by_address(start_gateway: StartGateway, issuer: Issuer) -> None:
    async with start_gateway(rate_address="3/3600") as gateway:
        for _ in range(3):
            expect_problem(await gateway.get("/v1/me", headers=issuer.headers(1, aud="x")), 401, "invalid-token")
        expect_problem(await gateway.get("/v1/me", headers=issuer.headers(1, aud="x")), 429, "too-many-requests")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/v1/me"),
        ("DELETE", "/v1/me"),
        ("GET", "/docs"),
        ("HEAD", "/docs"),
        ("OPTIONS", "/docs"),
        ("POST", "/docs"),
        ("GET", "/v1/limits"),
        ("GET", "/nothing"),
        ("OPTIONS", "/nothing"),
    ],
)
async def test_what_the_gateway_answers_itself_is_limited(start_gateway: StartGateway, method: str, path: str) -> None:
    preflight = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
    async with start_gateway(rate_address="3/3600") as gateway:
        for headers in ({}, preflight, {}):
            assert (await gateway.request(method, path, headers=headers)).status_code != 429
        for headers in ({}, preflight):
            answer = await gateway.request(method, path, headers=headers)
            assert answer.status_code == 429
            if method != "HEAD":
                assert expect_problem(answer, 429, "too-many-requests")["violated_policies"] == ["address"]
        for probe in ("/healthz", "/readyz", "/metrics"):
            assert (await gateway.get(probe)).status_code == 200


async def test_forging_an_address_does_not_help(start_gateway: StartGateway, new_id: Callable[[], int]) -> None:
    async with start_gateway(
        trusted_proxies='["192.0.2.0/24"]', rate_auth="1/3600", address_factor_ipv4="1"
    ) as gateway:
        for attempt in range(2):
            headers = {"X-Forwarded-For": f"198.51.100.{attempt}", "Forwarded": f"for=198.51.100.{attempt}"}
            answer = await gateway.post("/v1/sessions", json={}, headers=headers)
        assert answer.status_code == 429


class Line:
    """A line to Redis that can be cut, or go dead."""

    def __init__(self, url: str) -> None:
        self._redis = urlsplit(url)
        self.dead = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.cut = False

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(self._redis.hostname, self._redis.port)
        self._writers |= {writer, far_writer}

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while piece := await source.read(65536):
                if not self.dead.is_set():
                    sink.write(piece)
            sink.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer), return_exceptions=True)
        self._writers -= {writer, far_writer}

    def hang_up(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self, "127.0.0.1", 0)
        async with server:
            yield self._redis._replace(
                netloc=f"{self._redis.username}:{self._redis.password}@127.0.0.1:{server.sockets[0].getsockname()[1]}"
            ).geturl()
            self.hang_up()


@pytest.fixture
async def line(service_environment: Environment) -> AsyncIterator[tuple[Line, str]]:
    line = Line(service_environment("gateway")["PHOTOMESH_REDIS_URL"])
    async with line.listening() as url:
        yield line, url


async def alone(gateway: httpx.AsyncClient) -> bool:
    return "photomesh_gateway_limiting_alone 1.0" in (await gateway.get("/metrics")).text


async def test_without_redis_requests_are_served_and_still_limited(
    start_gateway: StartGateway, line: tuple[Line, str], someone: dict[str, str]
) -> None:
    redis, url = line
    async with start_gateway(redis_url=url, redis_pause="0.1", rate_read="3/3600") as gateway:
        assert (await gateway.get("/v1/me", headers=someone)).status_code == 200
        assert not await alone(gateway)
        redis.cut = True
        redis.hang_up()
        statuses = [(await gateway.get("/v1/me", headers=someone)).status_code for _ in range(4)]
        assert statuses == [200, 200, 200, 429]  # its own count begins at zero
        assert await alone(gateway)
        assert (await gateway.get("/readyz")).status_code == 200
        redis.cut = False

        async def together() -> bool:
            await gateway.get("/v1/me", headers=someone)
            return not await alone(gateway)

        await eventually(together, within=5)


async def test_a_redis_that_hangs_does_not_hang_requests(
    start_gateway: StartGateway, line: tuple[Line, str], someone: dict[str, str]
) -> None:
    redis, url = line
    async with start_gateway(redis_url=url, redis_timeout="2", redis_pause="60") as gateway:
        assert (await gateway.get("/v1/me", headers=someone)).status_code == 200
        redis.dead.set()
        answers = await asyncio.gather(*(gateway.get("/v1/me", headers=someone) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        async with asyncio.timeout(1.8):  # nobody waits for it again so soon: that would take 2 s
            assert (await gateway.get("/v1/me", headers=someone)).status_code == 200


@pytest.fixture
async def pipe(service_environment: Environment) -> AsyncIterator[RedisPipe]:
    pipe = RedisPipe(service_environment("gateway")["PHOTOMESH_REDIS_URL"], timeout=5)
    yield pipe
    pipe.close()


async def test_everybody_gets_their_own_reply(pipe: RedisPipe) -> None:
    replies = await asyncio.gather(*(pipe.call("ECHO", str(number)) for number in range(500)))
    assert replies == [str(number).encode() for number in range(500)]


async def test_a_caller_that_stops_waiting_takes_no_reply_of_others(pipe: RedisPipe) -> None:
    calls = [asyncio.create_task(pipe.call("ECHO", str(number))) for number in range(100)]
    await asyncio.sleep(0)
    for call in calls[::3]:
        call.cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for number, outcome in enumerate(outcomes):
        if number % 3:
            assert outcome == str(number).encode()
        else:
            assert isinstance(outcome, asyncio.CancelledError)


async def test_what_redis_refuses(pipe: RedisPipe) -> None:
    with pytest.raises(ReplyError, match="unknown command"):
        await pipe.call("NONSENSE")
    assert await pipe.call("ECHO", "on") == b"on"


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://:wrong@{}/0", "redis://nowhere.invalid/0"])
async def test_redis_that_cannot_be_had(service_environment: Environment, url: str) -> None:
    redis = urlsplit(service_environment("gateway")["PHOTOMESH_REDIS_URL"])
    pipe = RedisPipe(url.format(f"{redis.hostname}:{redis.port}"), timeout=5)
    with pytest.raises(RedisUnreachable):
        await pipe.call("PING")


async def test_what_comes_is_not_redis() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        pipe = RedisPipe(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=5)
        with pytest.raises(RedisUnreachable):
            await pipe.call("PING")


rates = st.builds(Rate, st.integers(1, 50), st.integers(1, 100))
steps = st.lists(st.tuples(st.integers(0, 5_000_000), st.sets(st.integers(0, 2), min_size=1)), min_size=1, max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies=st.lists(rates, min_size=3, max_size=3), steps=steps)
async def test_the_script_counts_as_the_algorithm_does(
    pipe: RedisPipe, policies: list[Rate], steps: list[tuple[int, set[int]]]
) -> None:
    """The script in Redis beside the algorithm in Python, at times that the test sets."""
    script = SCRIPT.replace("redis.call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}")
    assert script != SCRIPT
    named = [Policy(f"policy {number}", rate) for number, rate in enumerate(policies)]
    run, now, tats = secrets.token_hex(8), 1_795_000_000_000_000, [0, 0, 0]
    for gap, chosen in steps:
        now += gap
        numbers = sorted(chosen)
        some = [named[number] for number in numbers]
        after, readings = take([tats[number] for number in numbers], some, now)
        for number, tat in zip(numbers, after, strict=True):
            tats[number] = tat
        arguments = [argument for policy in some for argument in policy.arguments]
        keys = [f"rl:test:{run}:{number}" for number in numbers]
        reply = await pipe.call("EVAL", script, len(keys), *keys, *arguments, now // 1_000_000, now % 1_000_000)
        assert reply == [value for reading in readings for value in reading]


async def test_a_bucket_is_forgotten_when_it_is_full_again(
    start_gateway: StartGateway, service_environment: Environment, issuer: Issuer, new_id: Callable[[], int]
) -> None:
    account = new_id()
    async with start_gateway(rate_user="10/100") as gateway:
        await gateway.get("/v1/me", headers=issuer.headers(account))
    async with Redis.from_url(as_administrator(service_environment("gateway")["PHOTOMESH_REDIS_URL"])) as redis:
        assert 0 < await redis.pttl(f"rl:user:{account}") <= 10_000


async def test_a_redis_that_does_not_know_the_script(pipe: RedisPipe, monkeypatch: pytest.MonkeyPatch) -> None:
    comment = f"-- {secrets.token_hex(8)}\n"
    monkeypatch.setattr("photomesh_gateway.ratelimit.buckets.SCRIPT", comment + SCRIPT)
    buckets, policy, key = RedisBuckets(pipe), Policy("any", Rate(10, 100)), f"rl:test:{secrets.token_hex(8)}"
    readings = [(await buckets.take([policy], [key]))[0].remaining for _ in range(3)]
    assert readings == [9, 8, 7]
