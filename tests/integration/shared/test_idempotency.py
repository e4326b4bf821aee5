"""`Idempotency-Key`, with records in real databases and locks in a real Redis."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from redis.asyncio import Redis

from photomesh_shared.auth import MaybeViewer
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Conflict, IdempotencyKeyInUse, IdempotencyKeyReused
from photomesh_shared.http import Creation, Readiness, create_service_app
from photomesh_shared.http.idempotency import (
    Attempt,
    IdempotencyMiddleware,
    IdempotencyStore,
    KeyRecords,
)
from photomesh_shared.ids import CreationId, IdGenerator, KeyRecord
from photomesh_shared.settings import CassandraSettings, ServiceSettings
from photomesh_shared.stores.cassandra import open_session
from photomesh_shared.stores.idempotency_keys import CassandraKeys, PostgresKeys
from photomesh_shared.stores.postgres import open_pool
from photomesh_shared.tokens.access import TokenVerifier
from tests.support.problems import expect_problem
from tests.support.redis import as_administrator
from tests.support.services import client_of
from tests.support.tokens import Issuer

SETTINGS = ServiceSettings(public_url="https://api.example")
Environment = Callable[[str], Mapping[str, str]]


@dataclass
class Shop:
    """A service with routes that create."""

    client: httpx.AsyncClient
    store: IdempotencyStore
    orders: dict[int, bytes] = field(default_factory=dict)
    """By creation id, as in the database of a service."""
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


@pytest.fixture(params=["postgres", "cassandra"])
async def records(request: pytest.FixtureRequest, service_environment: Environment) -> AsyncIterator[KeyRecords]:
    if request.param == "postgres":
        async with open_pool(service_environment("identity")["PHOTOMESH_POSTGRES_DSN"]) as pool:
            yield PostgresKeys(pool)
    else:
        settings = CassandraSettings.model_validate(
            {
                name.removeprefix("PHOTOMESH_").lower(): value
                for name, value in service_environment("post").items()
                if name.startswith("PHOTOMESH_CASSANDRA_")
            }
        )
        async with open_session(settings) as session:
            yield CassandraKeys(session)


def _store(redis: Redis, records: KeyRecords, secret: str = "secret") -> IdempotencyStore:
    return IdempotencyStore(redis, records, secret, IdGenerator(1, secrets.randbelow(1024), SystemClock()))


@asynccontextmanager
async def _shop(store: IdempotencyStore, issuer: Issuer) -> AsyncIterator[Shop]:
    router = APIRouter()

    @router.post("/v1/orders", status_code=201)
    @router.post("/v1/other", status_code=201)
    @router.post("/v1/orders/{order_id}/items", status_code=201)
    async def order(request: Request, response: Response, viewer: MaybeViewer, creation: Creation) -> dict[str, str]:
        shop.creations.append(creation)
        if creation.id not in shop.orders:
            shop.orders[creation.id] = await request.body()
        shop.began.set()
        await shop.open.wait()
        if isinstance(shop.fail_with, Exception):
            raise shop.fail_with
        if shop.fail_with:
            response.status_code = shop.fail_with
        response.headers["Location"] = f"/v1/orders/{creation.id}"
        return {"order": str(creation.id), "padding": "x" * 1000}

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
async def shop(redis: Redis, records: KeyRecords, issuer: Issuer) -> AsyncIterator[Shop]:
    async with _shop(_store(redis, records), issuer) as shop:
        yield shop


@pytest.fixture
def key() -> str:
    return str(uuid.uuid4())


async def test_a_repeat_is_replayed(shop: Shop, key: str) -> None:
    first, again = await shop.order(key), await shop.order(key)
    assert list(shop.orders.values()) == [b"eggs"]
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert first.headers["request-id"] != again.headers["request-id"]
    assert shop.creations[1] == CreationId(shop.creations[0].id, repeated=True)


async def test_without_a_key_every_request_is_executed(shop: Shop) -> None:
    await shop.order(None)
    await shop.order(None)
    assert len(shop.orders) == 2
    assert len({creation.id for creation in shop.creations}) == 2


async def test_a_key_belongs_to_one_request(shop: Shop, key: str, issuer: Issuer) -> None:
    await shop.order(key, **issuer.headers(1))
    expect_problem(await shop.order(key, "bacon", **issuer.headers(1)), 422, "idempotency-key-reused")
    assert list(shop.orders.values()) == [b"eggs"]


async def test_callers_without_an_account_do_not_share_keys(shop: Shop, key: str) -> None:
    """One key that all of them read in the same example is a key of each."""
    ada, bob = await shop.order(key, '{"name": "ada"}'), await shop.order(key, '{"name": "bob"}')
    assert (ada.status_code, bob.status_code) == (201, 201)
    assert ada.json() != bob.json()
    again = await shop.order(key, '{"name": "ada"}', **{"X-Forwarded-For": "198.51.100.7"})
    assert again.headers["idempotency-replayed"] == "true"  # also from another network
    assert again.json() == ada.json()


@pytest.mark.parametrize(
    ("body", "equal"),
    [
        (b'{"b":[1,{"d":2,"c":"\\u00e9"}],"a":null}', True),
        ('{ "a" : null,\n "b" : [1, {"c": "é", "d": 2}] }'.encode(), True),
        (b'{"a":null,"b":[{"c":"\\u00e9","d":2},1]}', False),
        (b'{"a":null,"b":[1,{"c":"\\u00e9","d":"2"}]}', False),
        (b'{"a":null,"b":[1,{"c":"\\u00e9","d":true}]}', False),
        (b'{"b":[1,{"c":"\\u00e9","d":2}]}', False),
        (b'{"a":null,"b":[1,{"c":"\\u00e9","d":2}]', False),
        (b"[" * 100_000, False),
    ],
)
async def test_equal_json_is_the_same_request(shop: Shop, key: str, issuer: Issuer, body: bytes, equal: bool) -> None:
    first = '{"a": null, "b": [1, {"c": "\\u00e9", "d": 2}]}'
    await shop.order(key, first, **issuer.headers(1))
    answer = await shop.client.post("/v1/orders", content=body, headers={"Idempotency-Key": key} | issuer.headers(1))
    if equal:
        assert answer.headers["idempotency-replayed"] == "true"
    else:
        expect_problem(answer, 422, "idempotency-key-reused")
    assert len(shop.orders) == 1


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
    assert len(shop.creations) == 2


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


async def test_a_repeat_after_a_crash_creates_under_the_same_id(redis: Redis, records: KeyRecords, key: str) -> None:
    store = _store(redis, records)
    crashed = await store.begin(key, b"eggs")
    with pytest.raises(IdempotencyKeyInUse):
        await store.begin(key, b"eggs")
    await redis.delete(f"idempotency-lock:{crashed.record.name.hex()}")  # as after IN_PROGRESS_SECONDS
    with pytest.raises(IdempotencyKeyReused):
        await store.begin(key, b"bacon")
    repeat = await store.begin(key, b"eggs")
    assert repeat.creation == CreationId(crashed.creation.id, repeated=True)

    await store.release(crashed)  # the first process was only slow: it does not end the turn of the second
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
    expect_problem(await shop.order(bad), 422, "invalid-request", "/Idempotency-Key")
    assert not shop.creations


async def test_invalid_tokens(shop: Shop, key: str) -> None:
    expect_problem(await shop.order(key, Authorization="Bearer nonsense"), 401, "invalid-token")


async def test_a_body_that_is_too_large(shop: Shop, key: str) -> None:
    expect_problem(await shop.order(key, "x" * (1024 * 1024 + 1)), 413, "payload-too-large")
    assert not shop.creations


async def test_nothing_of_a_key_stays_in_redis(shop: Shop, service_environment: Environment) -> None:
    """However many keys one account sends, limits and leases keep their memory."""
    async with Redis.from_url(as_administrator(service_environment("identity")["PHOTOMESH_REDIS_URL"])) as everything:
        await _check_that_nothing_stays(shop, everything)


async def _check_that_nothing_stays(shop: Shop, redis: Redis) -> None:
    before = set(await redis.keys())
    for outcome in (None, 404, 500):
        shop.fail_with = outcome
        await asyncio.gather(*(shop.order(str(uuid.uuid4())) for _ in range(50)))
    assert set(await redis.keys()) <= before


async def test_a_record_has_only_an_id_and_hashes(shop: Shop, records: KeyRecords, key: str) -> None:
    await shop.order(key)
    if isinstance(records, PostgresKeys):
        async with records._pool.acquire() as conn:
            rows = [dict(row) for row in await conn.fetch("SELECT * FROM idempotency_keys")]
    else:
        assert isinstance(records, CassandraKeys)
        rows = await records._session.execute("SELECT name, fingerprint, creation_id FROM idempotency_keys LIMIT 500")
    stored = [(bytes(row["name"]), bytes(row["fingerprint"]), row["creation_id"]) for row in rows]
    [(name, fingerprint, _)] = [one for one in stored if one[2] == shop.creations[0].id]
    assert (len(name), len(fingerprint)) == (16, 32)
    for secret in (b"eggs", key.encode()):
        assert secret not in name + fingerprint


async def test_records_expire_after_a_day(records: KeyRecords) -> None:
    record = KeyRecord(secrets.token_bytes(16), secrets.token_bytes(32), 1)
    assert await records.claim(record) == record
    later = replace(record, fingerprint=secrets.token_bytes(32), creation_id=2)
    assert await records.claim(later) == record
    if isinstance(records, PostgresKeys):
        age = "UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE name = $1"
        async with records._pool.acquire() as conn:
            await conn.execute(age, record.name)
            assert await records.claim(later) == later
            await conn.execute(age, record.name)
            await records.claim(replace(record, name=secrets.token_bytes(16)))
            assert not await conn.fetchval("SELECT count(*) FROM idempotency_keys WHERE name = $1", record.name)
    else:
        assert isinstance(records, CassandraKeys)
        [row] = await records._session.execute(
            "SELECT TTL(fingerprint) AS ttl FROM idempotency_keys WHERE name = ?", record.name
        )
        assert 86_000 < row["ttl"] <= 86_400


async def test_keys_of_another_secret_are_other_keys(redis: Redis, records: KeyRecords, key: str) -> None:
    old = await _store(redis, records, "old").begin(key, b"f")
    new = await _store(redis, records, "new").begin(key, b"f")
    assert old.creation.id != new.creation.id


async def test_without_redis_keys_are_refused(records: KeyRecords, issuer: Issuer, key: str) -> None:
    async with Redis.from_url("redis://127.0.0.1:9/0") as away, _shop(_store(away, records), issuer) as shop:
        assert expect_problem(await shop.order(key), 503, "unavailable")["retryable"]
        assert not shop.creations
        assert (await shop.order(None)).status_code == 201


class _LosesRedis(IdempotencyStore):
    """Loses its Redis between the beginning and the end of a request."""

    async def begin(self, scope_key: str, body: bytes) -> Attempt:
        known = await super().begin(scope_key, body)
        self._redis = Redis.from_url("redis://127.0.0.1:9/0")
        return known


async def test_an_outage_of_redis_does_not_affect_the_response(
    redis: Redis, records: KeyRecords, issuer: Issuer, key: str
) -> None:
    async with _shop(_LosesRedis(redis, records, "secret", IdGenerator(1, 0, SystemClock())), issuer) as shop:
        assert (await shop.order(key)).status_code == 201
        await shop.store._redis.aclose()


async def test_a_key_belongs_to_one_path_of_a_template(shop: Shop) -> None:
    key = str(uuid.uuid4())
    for _ in range(2):
        for order in ("1", "2"):
            assert (await shop.order(key, path=f"/v1/orders/{order}/items")).status_code == 201
    assert len(shop.orders) == 2
