"""Outages of PostgreSQL, Redis and Kafka; crashes and shutdown of the process."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from contextlib import suppress

import asyncpg
import httpx
import pytest

from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import encode
from tests.integration.identity.api_users import PASSWORD, ApiUser, ApiUsers
from tests.integration.identity.conftest import Serving
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.services import process
from tests.support.tokens import free_port
from tests.support.waiting import eventually


async def test_broken_connections_are_answered_503(
    serving: Serving, environment: Mapping[str, str], database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving() as users:
        ada = await users.new_user()
        [[name]] = await database.fetch("SELECT current_database()")
        breaking = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = $1 AND usename = current_user AND pid <> pg_backend_pid()"
        )
        seen: list[httpx.Response] = []
        for n in range(30):
            me, edit, _ = await asyncio.gather(ada.me(), ada.update(bio=f"bio {n}"), database.execute(breaking, name))
            seen += [me, edit]
        for answer in seen:
            if answer.status_code != 200:
                assert expect_problem(answer, 503, "database-unavailable")["retryable"]
        await eventually(ada.me, until=lambda answer: answer.status_code == 200)


async def test_without_redis_idempotency_keys_are_refused(serving: Serving) -> None:
    """A request with a key is not executed; one without a key is."""
    async with serving() as users:
        store = users.api._transport.app.state.idempotency  # type: ignore[attr-defined]
        working, store._redis = store._redis, type(store._redis).from_url("redis://127.0.0.1:9")
        try:
            expect_problem(await users.register(**{"Idempotency-Key": "k" * 8}), 503, "unavailable")
            await users.new_user()
        finally:
            await store._redis.aclose()
            store._redis = working


async def test_without_redis_log_ins_work(serving: Serving, users: ApiUsers) -> None:
    ada = await users.new_user()
    async with serving(redis_url="redis://127.0.0.1:9/0") as without_redis:
        assert (await without_redis.api.get("/readyz")).json() == {"ready": True, "failures": {}}
        again = await without_redis.log_in_as(ada.username)
        await again.refreshed()
        assert (await again.me()).status_code == 200
        expect_problem(await without_redis.register(), 503, "unavailable")


@pytest.fixture
def isolated_environment(environment: Mapping[str, str], empty_database: str) -> Mapping[str, str]:
    """The environment of a process whose events no other process relays."""
    return {**environment, "PHOTOMESH_POSTGRES_DSN": empty_database}


async def test_events_wait_for_kafka(isolated_environment: Mapping[str, str], topics: Topics) -> None:
    """Registration works without Kafka; a later process relays the waiting events."""
    port = free_port()
    cut_off = {**isolated_environment, "PHOTOMESH_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    async with process("photomesh_identity", cut_off, port=port) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            ada = await ApiUsers(api).new_user()
            assert await topics.events("accounts", ada.id) == []
    async with process("photomesh_identity", isolated_environment, port=port):
        [envelope] = await topics.wait_for("accounts", ada.id)
        assert envelope.entityversion == version_at(envelope.time)


async def test_killed_between_publish_and_mark(isolated_environment: Mapping[str, str], topics: Topics) -> None:
    port = free_port()
    async with process(
        "photomesh_identity", isolated_environment, port=port, failpoints="outbox.after_publish=kill"
    ) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            with suppress(httpx.TransportError):  # it may die before it responds
                await ApiUsers(api).register()
            assert await running.ended() == -signal.SIGKILL
    database = await asyncpg.connect(isolated_environment["PHOTOMESH_POSTGRES_DSN"])
    [[account_id]] = await database.fetch("SELECT id FROM accounts")
    await database.close()
    async with process("photomesh_identity", isolated_environment, port=port):
        envelopes = await topics.wait_for("accounts", encode("u", account_id), until=lambda found: len(found) >= 2)
    assert all(envelope.entityversion == version_at(envelope.time) for envelope in envelopes)
    assert len({envelope.id for envelope in envelopes}) == 1


async def test_shuts_down_on_sigterm_and_logs_no_secrets(isolated_environment: Mapping[str, str]) -> None:
    async with process("photomesh_identity", isolated_environment, port=free_port()) as running:
        # Of a trace that is not kept: of those that are, each request has a line in the log.
        untraced = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-00"}
        async with httpx.AsyncClient(base_url=running.url, headers=untraced) as api:
            users = ApiUsers(api)
            ada = await users.new_user()
            expect_problem(await users.log_in(ada.username, "wrong password"), 401, "wrong-credentials")
            await ada.refreshed()
            other = ApiUser(api, ada.user, dict(ada.tokens))
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
    secrets += [
        isolated_environment["PHOTOMESH_KEY_ENCRYPTION_SECRET"],
        isolated_environment["PHOTOMESH_IDEMPOTENCY_SECRET"],
    ]
    assert not [secret for secret in secrets if secret in output]
    assert ada.user["email"] not in output
    lines = [json.loads(line) for line in output.splitlines()]
    assert {line["service"] for line in lines} == {"identity"}
    refreshes = [line for line in lines if line.get("route") == "/v1/sessions/refresh"]
    # What succeeds is in the gateway's log alone, unless it was slow.
    assert [line["status"] for line in refreshes if line["status"] == 401 or line["ms"] < 1_000] == [401]


async def test_a_repeat_after_a_lost_response_returns_the_same_account(
    isolated_environment: Mapping[str, str], topics: Topics
) -> None:
    failpoints = "identity.after_registration=raise"
    async with process("photomesh_identity", isolated_environment, port=free_port(), failpoints=failpoints) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            users = ApiUsers(api)
            registration, key = users.registration(users.new_name()), {"Idempotency-Key": users.new_name()}
            expect_problem(await users.register(registration, **key), 500, "internal-error")
            repeat = await users.register(registration, **key)
            assert repeat.status_code == 201, repeat.text
            ada = ApiUser(api, repeat.json()["user"], repeat.json())
            assert (await ada.me()).json() == ada.user
            await ada.refreshed()
            expect_problem(await users.register(registration), 409, "username-taken")
            assert len(await topics.wait_for("accounts", ada.id)) == 1


async def test_a_second_replica_takes_over_the_relay(isolated_environment: Mapping[str, str], topics: Topics) -> None:
    async with process("photomesh_identity", isolated_environment, port=free_port()) as first:
        async with process("photomesh_identity", isolated_environment, port=free_port()) as second:
            first.kill()
            await first.ended()
            async with httpx.AsyncClient(base_url=second.url) as api:
                ada = await ApiUsers(api).new_user()
                await topics.wait_for("accounts", ada.id)
                await eventually(lambda: api.get("/readyz"), until=lambda answer: answer.status_code == 200)
