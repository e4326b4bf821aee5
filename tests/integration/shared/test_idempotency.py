"""`Idempotency-Key`, with records in a real Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from redis.asyncio import Redis

from photomesh_shared.auth import MaybeViewer, TokenVerifier
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Conflict, IdempotencyKeyInUse, IdempotencyKeyReused
from photomesh_shared.http import Creation, Readiness, create_service_app
from photomesh_shared.http.idempotency import (
    Attempt,
    IdempotencyMiddleware,
    IdempotencyStore,
    StoredResponse,
)
from photomesh_shared.ids import CreationId, IdGenerator
from photomesh_shared.settings import ServiceSettings
from tests.support.problems import expect_problem
from tests.support.services import client_of
from tests.support.tokens import Issuer

SETTINGS = ServiceSettings(public_url="https://api.example")
Environment = Callable[[str], Mapping[str, str]]


@dataclass
class Shop:
    """A service with routes that create."""

    client: httpx.AsyncClient
    store: IdempotencyStore
    orders: list[bytes] = field(default_factory=list)
    creations: list[CreationId] = field(default_factory=list)
    fail_with: Exception | int | None = None
    open: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def order(
        self, key: str | None, body: str = "eggs", path: str = "/v1/orders", **headers: str
    ) -> httpx.Response:
        sent = headers | ({"Idempotency-Key": key} if key is not None else {})
        return await self.client.post(path, content=body, headers=sent)


@pytest.fixture
async def redis(service_environment: Environment) -> AsyncIterator[Redis]:
    async with Redis.from_url(service_environment("identity")["PHOTOMESH_REDIS_URL"]) as redis:
        yield redis


def _store(redis: Redis, secret: str = "secret") -> IdempotencyStore:
    return IdempotencyStore(redis, secret, IdGenerator(1, 0, SystemClock()))


@asynccontextmanager
async def _shop(store: IdempotencyStore, issuer: Issuer) -> AsyncIterator[Shop]:
    router = APIRouter()

    @router.post("/v1/orders", status_code=201)
    @router.post("/v1/other", status_code=201)
    @router.post("/v1/orders/{order_id}/items", status_code=201)
    async def order(request: Request, response: Response, viewer: MaybeViewer, creation: Creation) -> dict[str, str]:
        shop.orders.append(await request.body())
        shop.creations.append(creation)
        shop.began.set()
        await shop.open.wait()
        if isinstance(shop.fail_with, Exception):
            raise shop.fail_with
        if shop.fail_with:
            response.status_code = shop.fail_with
        response.headers.update({"Location": f"/v1/orders/{len(shop.orders)}", "X-Other": "1"})
        return {"order": str(len(shop.orders)), "secret": "the access token"}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.idempotency = store
        app.state.token_verifier = TokenVerifier(keys, issuer="photomesh", audience="photomesh-api")
        yield

    async def keys() -> dict[str, list[dict[str, str]]]:
        return issuer.jwks()

    app = create_service_app("Shop", SETTINGS, lifespan=lifespan, routers=[router], readiness=Readiness())
    paths = dict.fromkeys(["/v1/orders", "/v1/other", "/v1/orders/{order_id}/items"], 1024 * 1024)
    app.add_middleware(IdempotencyMiddleware, paths=paths, problem_type_base=SETTINGS.problem_type_base)
    async with client_of(app) as client:
        shop = Shop(client, store)
        shop.open.set()
        yield shop


@pytest.fixture
async def shop(redis: Redis, issuer: Issuer) -> AsyncIterator[Shop]:
    async with _shop(_store(redis), issuer) as shop:
        yield shop


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


async def test_a_repeat_is_replayed(shop: Shop, key: str) -> None:
    first, again = await shop.order(key), await shop.order(key)
    assert shop.orders == [b"eggs"]
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert first.headers["request-id"] != again.headers["request-id"]


async def test_without_a_key_every_request_is_executed(shop: Shop) -> None:
    await shop.order(None)
    await shop.order(None)
    assert len(shop.orders) == 2
    assert len({creation.id for creation in shop.creations}) == 2


async def test_a_key_belongs_to_one_request(shop: Shop, key: str) -> None:
    await shop.order(key)
    expect_problem(await shop.order(key, "bacon"), 422, "idempotency-key-reused")
    assert shop.orders == [b"eggs"]


async def test_a_key_belongs_to_one_account_and_one_path(shop: Shop, key: str, issuer: Issuer) -> None:
    answers = [
        await shop.order(key),
        await shop.order(key, **issuer.headers(1)),
        await shop.order(key, **issuer.headers(2)),
        await shop.order(key, path="/v1/other"),
    ]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len(shop.orders) == 4
    assert (await shop.order(key, **issuer.headers(1))).json() == answers[1].json()


async def test_a_repeat_while_the_first_is_in_progress(shop: Shop, key: str) -> None:
    shop.open.clear()
    first = asyncio.create_task(shop.order(key))
    await shop.began.wait()
    answer = await shop.order(key)
    expect_problem(answer, 409, "idempotency-key-in-use")
    assert answer.headers["retry-after"] == "1"
    shop.open.set()
    assert (await first).status_code == 201
    assert (await shop.order(key)).headers["idempotency-replayed"] == "true"


async def test_of_concurrent_requests_one_is_executed(shop: Shop, key: str) -> None:
    answers = await asyncio.gather(*(shop.order(key) for _ in range(20)))
    assert len(shop.orders) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}


@pytest.mark.parametrize("failure", [Conflict(), RuntimeError("bug"), 500, 503, 404])
async def test_an_error_is_not_stored(shop: Shop, key: str, failure: Exception | int) -> None:
    shop.fail_with = failure
    assert (await shop.order(key)).status_code >= 400
    shop.fail_with = None
    answer = await shop.order(key)
    assert answer.status_code == 201
    assert "idempotency-replayed" not in answer.headers
    assert len(shop.orders) == 2


@pytest.mark.parametrize("failure", [RuntimeError("bug"), 500, 503])
async def test_a_repeat_after_a_server_error_creates_under_the_same_id(
    shop: Shop, key: str, failure: Exception | int
) -> None:
    """The failed attempt may have taken effect."""
    shop.fail_with = failure
    await shop.order(key)
    shop.fail_with = 404  # a later refusal does not make the first attempt's effect less likely
    await shop.order(key)
    shop.fail_with = None
    await shop.order(key)
    assert {creation.id for creation in shop.creations} == {shop.creations[0].id}
    assert [creation.repeated for creation in shop.creations] == [False, True, True]
    assert (await shop.order(key)).headers["idempotency-replayed"] == "true"


async def test_a_repeat_after_a_disconnect_creates_under_the_same_id(shop: Shop, key: str) -> None:
    shop.open.clear()
    first = asyncio.create_task(shop.order(key))
    await shop.began.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    shop.open.set()
    assert (await shop.order(key)).status_code == 201
    assert shop.creations[1] == CreationId(shop.creations[0].id, repeated=True)


async def test_a_repeat_after_a_crash_creates_under_the_same_id(redis: Redis, key: str) -> None:
    store = _store(redis)
    crashed = await store.begin(key, b"eggs")
    assert isinstance(crashed, Attempt)
    with pytest.raises(IdempotencyKeyInUse):
        await store.begin(key, b"eggs")
    await redis.hset(store._name_and_cipher(key)[0], "busy_until", 1)  # as after IN_PROGRESS_SECONDS
    with pytest.raises(IdempotencyKeyReused):
        await store.begin(key, b"bacon")
    repeat = await store.begin(key, b"eggs")
    assert isinstance(repeat, Attempt)
    assert repeat.creation == CreationId(crashed.creation.id, repeated=True)

    # The first process was only slow: nothing that it does now ends the turn of the second.
    await store.forget(key, crashed)
    await store.release(key, crashed)
    with pytest.raises(IdempotencyKeyInUse):
        await store.begin(key, b"eggs")


async def test_a_request_that_is_refused_at_once_has_no_effect(shop: Shop, key: str) -> None:
    """The client may correct the body and use the key again."""
    shop.fail_with = 422
    await shop.order(key, "egs")
    shop.fail_with = None
    assert (await shop.order(key, "eggs")).status_code == 201
    assert shop.creations[0].id != shop.creations[1].id
    assert [creation.repeated for creation in shop.creations] == [False, False]


@pytest.mark.parametrize("bad", ["", "x" * 256, "tab\tbed"])
async def test_invalid_keys(shop: Shop, bad: str) -> None:
    expect_problem(await shop.order(bad), 422, "invalid-request", "#header/idempotency-key")
    assert shop.orders == []


async def test_invalid_tokens(shop: Shop, key: str) -> None:
    expect_problem(await shop.order(key, Authorization="Bearer nonsense"), 401, "invalid-token")


async def test_a_body_that_is_too_large(shop: Shop, key: str) -> None:
    expect_problem(await shop.order(key, "x" * (1024 * 1024 + 1)), 413, "payload-too-large")
    assert shop.orders == []


async def test_responses_are_encrypted_and_expire(shop: Shop, key: str, redis: Redis) -> None:
    shop.open.clear()
    running = asyncio.create_task(shop.order(key))
    await shop.began.wait()
    name, _ = shop.store._name_and_cipher(f"anonymous\n/v1/orders\n{key}")
    shop.open.set()
    await running
    assert 86_000 < await redis.ttl(name) <= 86_400
    stored = await redis.hgetall(name)
    assert stored[b"response"]
    for secret in (b"access token", b"eggs", key.encode()):
        assert all(secret not in value for value in stored.values())
        assert secret not in name.encode()


async def test_records_of_another_secret_are_ignored(redis: Redis, key: str) -> None:
    old, new = _store(redis, "old"), _store(redis, "new")
    response = StoredResponse(201, (("content-type", "text/plain"),), b"\x00\xff")
    assert isinstance(await old.begin(key, b"f"), Attempt)
    await old.finish(key, response)
    assert await old.begin(key, b"f") == response
    assert isinstance(await new.begin(key, b"f"), Attempt)
    await redis.hset(old._name_and_cipher(key)[0], "response", new._name_and_cipher(key)[1].encrypt(b"[]"))
    assert isinstance(await old.begin(key, b"f"), Attempt)


async def test_without_redis_keys_are_refused(issuer: Issuer, key: str) -> None:
    async with Redis.from_url("redis://127.0.0.1:9/0") as away, _shop(_store(away), issuer) as shop:
        assert expect_problem(await shop.order(key), 503, "unavailable")["retryable"]
        assert shop.orders == []
        assert (await shop.order(None)).status_code == 201


class _LosesRedis(IdempotencyStore):
    """Loses its Redis between the beginning and the end of a request."""

    async def begin(self, scope_key: str, body: bytes) -> Attempt | StoredResponse:
        known = await super().begin(scope_key, body)
        self._redis = Redis.from_url("redis://127.0.0.1:9/0")
        return known


async def test_an_outage_of_redis_does_not_affect_the_response(redis: Redis, issuer: Issuer, key: str) -> None:
    async with _shop(_LosesRedis(redis, "secret", IdGenerator(1, 0, SystemClock())), issuer) as shop:
        assert (await shop.order(key)).status_code == 201
        await shop.store._redis.aclose()


async def test_a_key_belongs_to_one_path_of_a_template(shop: Shop) -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        for order in ("1", "2"):
            assert (await shop.order(key, path=f"/v1/orders/{order}/items")).status_code == 201
    assert len(shop.orders) == 2
