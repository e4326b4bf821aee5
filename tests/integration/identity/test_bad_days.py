"""PostgreSQL, Redis and Kafka going away, and the process going down."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from contextlib import suppress

import asyncpg
import httpx
import pytest

from photomesh_shared.ids import encode
from tests.integration.identity.conftest import Serving
from tests.integration.identity.people import PASSWORD, People, Person
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually


async def test_connections_that_break_are_no_500(
    serving: Serving, environment: Mapping[str, str], database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving() as people:
        ada = await people.somebody()
        [[name]] = await database.fetch("SELECT current_database()")
        breaking = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = $1 AND usename = current_user AND pid <> pg_backend_pid()"
        )
        seen: list[httpx.Response] = []
        for n in range(30):
            me, edit, _ = await asyncio.gather(ada.me(), ada.edit(bio=f"bio {n}"), database.execute(breaking, name))
            seen += [me, edit]
        for answer in seen:
            if answer.status_code != 200:
                assert expect_problem(answer, 503, "database-unavailable")["retryable"]
        await eventually(ada.me, until=lambda answer: answer.status_code == 200)


async def test_without_redis_nobody_is_promised_idempotency(serving: Serving) -> None:
    """The key cannot be checked, so the request is not carried out; without a key it is."""
    async with serving() as people:
        store = people.api._transport.app.state.idempotency  # type: ignore[attr-defined]
        working, store._redis = store._redis, type(store._redis).from_url("redis://127.0.0.1:9")
        try:
            expect_problem(await people.register(**{"Idempotency-Key": "k" * 8}), 503, "unavailable")
            await people.somebody()
        finally:
            await store._redis.aclose()
            store._redis = working


@pytest.fixture
def alone(environment: Mapping[str, str], empty_database: str) -> Mapping[str, str]:
    """Of a process whose outbox no other relays."""
    return {**environment, "PHOTOMESH_POSTGRES_DSN": empty_database}


async def test_events_wait_for_kafka(alone: Mapping[str, str], topics: Topics) -> None:
    """Registering does not need Kafka; a process that finds it later relays what waits."""
    port = free_port()
    cut_off = {**alone, "PHOTOMESH_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    async with process("photomesh_identity", cut_off, port=port) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            ada = await People(api).somebody()
            assert await topics.events("accounts", ada.id) == []
    async with process("photomesh_identity", alone, port=port):
        [envelope] = await topics.wait_for("accounts", ada.id)
        assert envelope.entityversion == 1


async def test_killed_between_publish_and_mark(alone: Mapping[str, str], topics: Topics) -> None:
    port = free_port()
    async with process("photomesh_identity", alone, port=port, failpoints="outbox.after_publish=kill") as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            with suppress(httpx.TransportError):  # it may die before the answer is out
                await People(api).register()
            assert await running.ended() == -signal.SIGKILL
    database = await asyncpg.connect(alone["PHOTOMESH_POSTGRES_DSN"])
    [[account_id]] = await database.fetch("SELECT id FROM accounts")
    await database.close()
    async with process("photomesh_identity", alone, port=port):
        envelopes = await topics.wait_for("accounts", encode("u", account_id), until=lambda found: len(found) >= 2)
    assert {envelope.entityversion for envelope in envelopes} == {1}
    assert len({envelope.id for envelope in envelopes}) == 1


async def test_it_ends_when_told_and_logs_no_secret(alone: Mapping[str, str]) -> None:
    async with process("photomesh_identity", alone, port=free_port()) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            people = People(api)
            ada = await people.somebody()
            expect_problem(await people.log_in(ada.username, "wrong password"), 401, "wrong-credentials")
            await ada.refreshed()
            other = Person(api, ada.user, dict(ada.tokens))
            await ada.refreshed()
            expect_problem(await other.refresh("rt_unknown"), 401, "invalid-refresh-token")
            metrics = (await api.get("/metrics")).text
            ready = (await api.get("/readyz")).json()
        running.kill(signal.SIGTERM)
        assert await running.ended() == -signal.SIGTERM  # uvicorn ends, then raises the signal again
        output = running.output
    assert ready == {"ready": True, "failures": {}}
    assert 'photomesh_identity_logins_total{outcome="wrong"} 1.0' in metrics
    assert 'photomesh_identity_refreshes_total{outcome="rotate"} 2.0' in metrics
    assert "photomesh_identity_registrations_total 1.0" in metrics
    secrets = [PASSWORD, "wrong password", ada.refresh_token, other.refresh_token, ada.tokens["access_token"]]
    secrets += [alone["PHOTOMESH_KEY_ENCRYPTION_SECRET"], alone["PHOTOMESH_IDEMPOTENCY_SECRET"]]
    assert not [secret for secret in secrets if secret in output]
    assert ada.user["email"] not in output
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["service"] for line in lines} == {"identity"}
    refreshes = [line for line in lines if line.get("route") == "/v1/sessions/refresh"]
    assert [line["status"] for line in refreshes] == [200, 200, 401]


async def test_a_second_replica_takes_over_the_relay(alone: Mapping[str, str], topics: Topics) -> None:
    async with process("photomesh_identity", alone, port=free_port()) as first:
        async with process("photomesh_identity", alone, port=free_port()) as second:
            first.kill()
            await first.ended()
            async with httpx.AsyncClient(base_url=second.url) as api:
                ada = await People(api).somebody()
                await topics.wait_for("accounts", ada.id)
                await eventually(lambda: api.get("/readyz"), until=lambda answer: answer.status_code == 200)
