"""Crashes, late and repeated events, servers that do not answer, and wrong counts."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg
import httpx
import pytest

from photomesh_shared.clock import SystemClock
from photomesh_shared.events import encode as record_of
from photomesh_shared.internal_api import social_graph
from photomesh_shared.stores.postgres import open_pool
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.api_users import ApiUser, ApiUsers
from tests.integration.social_graph.conftest import Environment, Serving
from tests.integration.social_graph.test_events import event_types, pair_events
from tests.support.internal_calls import RightfulCaller
from tests.support.kafka import Topics, kafka_variables
from tests.support.problems import expect_problem
from tests.support.services import Process, process
from tests.support.social_graph import account_event
from tests.support.tokens import Issuer, free_port
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

MODULE = "photomesh_social_graph"


@pytest.fixture
def users_of(issuer: Issuer, new_id: Callable[[], int]) -> Callable[..., ApiUsers]:
    def make(api: httpx.AsyncClient, pool: Pool) -> ApiUsers:
        return ApiUsers(api, AccountEventHandlers(PostgresGraph(pool), SystemClock()), issuer, new_id)

    return make


def client_at(environment: Mapping[str, str], port: int) -> httpx.AsyncClient:
    """A client of a process, which may also call its internal API."""
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", auth=RightfulCaller(environment, social_graph))


async def two_users(
    isolated_environment: Mapping[str, str], api: httpx.AsyncClient, users_of: Callable[..., ApiUsers]
) -> list[ApiUser]:
    async with open_pool(isolated_environment["PHOTOMESH_POSTGRES_DSN"]) as pool:
        return await users_of(api, pool).new_users(2)


async def dies_on_follow(running: Process, actor: ApiUser, target: ApiUser) -> None:
    with suppress(httpx.TransportError):
        await actor.put(f"/v1/users/{target.id}/follow")
    assert await running.ended() == -signal.SIGKILL


@pytest.mark.parametrize("place", ["social-graph.after_commit", "outbox.after_publish", "outbox.after_mark"])
async def test_killed_between_commit_and_relay(
    isolated_environment: Mapping[str, str], topics: Topics, users_of: Callable[..., ApiUsers], place: str
) -> None:
    port = free_port()
    async with client_at(isolated_environment, port) as api:
        ada, grace = await two_users(isolated_environment, api, users_of)
        async with process(MODULE, isolated_environment, port=port, failpoints=f"{place}=kill") as running:
            await dies_on_follow(running, ada, grace)
        async with process(MODULE, isolated_environment, port=port):
            assert await ada.relations_to(grace) == [{"following"}]
            await ada.follow(grace)
            assert (await ada.counts(), await grace.counts()) == ((0, 1), (1, 0))
            await ada.unfollow(grace)
            found = await topics.wait_for(
                "follows",
                f"{ada.id}.{grace.id}",
                until=lambda found: len({envelope.entityversion for envelope in found}) == 2,
            )
    in_order = list({envelope.id: envelope for envelope in found}.values())  # one may have come twice
    assert event_types(in_order) == ["follow.created", "follow.deleted"]


async def test_events_wait_for_kafka(
    isolated_environment: Mapping[str, str], topics: Topics, users_of: Callable[..., ApiUsers]
) -> None:
    port = free_port()
    cut_off = {**isolated_environment, "PHOTOMESH_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    async with client_at(isolated_environment, port) as api:
        ada, grace = await two_users(isolated_environment, api, users_of)
        async with process(MODULE, cut_off, port=port):
            await ada.follow(grace)
        assert await topics.events("follows", f"{ada.id}.{grace.id}") == []
        async with process(MODULE, isolated_environment, port=port):
            assert event_types(await pair_events(topics, ada, grace, 1)) == ["follow.created"]


async def test_broken_connections_are_answered_503(
    serving: Serving, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving() as users:
        ada, grace = await users.new_users(2)
        [[name]] = await database.fetch("SELECT current_database()")
        breaking = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = $1 AND usename = current_user AND pid <> pg_backend_pid()"
        )
        seen: list[httpx.Response] = []
        for _ in range(15):
            *answers, _ = await asyncio.gather(
                ada.put(f"/v1/users/{grace.id}/follow"),
                ada.delete(f"/v1/users/{grace.id}/follow"),
                ada.get(f"/v1/users/{grace.id}/followers"),
                database.execute(breaking, name),
            )
            seen += answers
        for answer in seen:
            if answer.status_code != 200:
                assert expect_problem(answer, 503, "database-unavailable")["retryable"]
        await eventually(lambda: ada.get("/v1/me/mutes"), until=lambda answer: answer.status_code == 200)


@pytest.fixture
def consumer_environment(
    isolated_environment: Mapping[str, str], service_environment: Environment
) -> Mapping[str, str]:
    """identity, whose accounts the consumer compares, is away."""
    program = service_environment("social-graph-consumer")
    own = {name: program[name] for name in ("PHOTOMESH_PROGRAM", "PHOTOMESH_CALL_KEYS")}
    return {**isolated_environment, **own, **kafka_variables("social-graph-consumer")}


async def test_consumer_handles_late_and_repeated_events_and_a_crash(
    isolated_environment: Mapping[str, str],
    consumer_environment: Mapping[str, str],
    topics: Topics,
    users_of: Callable[..., ApiUsers],
) -> None:
    port, ops = free_port(), free_port()
    dsn = isolated_environment["PHOTOMESH_POSTGRES_DSN"]
    async with client_at(isolated_environment, port) as api, open_pool(dsn) as pool:
        users = users_of(api, pool)
        ada, *fans = [users.unregistered_user() for _ in range(5)]
        async with process(MODULE, isolated_environment, port=port):
            async with process(f"{MODULE}.consumer", consumer_environment, port=ops):
                registered = [record_of(account_event(user.number, private=user is ada)) for user in (ada, *fans)]
                await topics.send([*registered, *registered])
                known = "SELECT count(*) FROM accounts WHERE id = ANY($1)"
                numbers = [user.number for user in (ada, *fans)]
                await eventually(lambda: pool.fetchval(known, numbers), until=lambda found: found == 5, within=60)
                for fan in fans:
                    assert (await fan.follow(ada))["requested"] is True
            failpoints = "social-graph.between_admissions=kill@2"
            async with process(f"{MODULE}.consumer", consumer_environment, port=ops, failpoints=failpoints) as dying:
                opened = account_event(ada.number, private=False, version=2)
                await topics.send([record_of(opened), record_of(opened)])
                assert await dying.ended(within=60) == -signal.SIGKILL
            assert await ada.counts() == (2, 0)
            async with process(f"{MODULE}.consumer", consumer_environment, port=ops):
                await eventually(ada.counts, until=lambda counts: counts == (4, 0), within=90)
                await topics.send([registered[0]])  # the old version was private
                again = users.unregistered_user()
                await topics.send([record_of(account_event(again.number))])
                await eventually(lambda: pool.fetchval(known, [again.number]), within=60)
            assert (await again.follow(ada))["following"] is True
            for fan in fans:
                assert event_types(await pair_events(topics, fan, ada, 2)) == ["follow.requested", "follow.created"]


def reconcile(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", f"{MODULE}.reconcile", *arguments]
    run = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=60, check=False)
    assert run.stderr == ""
    return run.returncode, run.stdout


async def test_reconcile_finds_and_repairs_wrong_counts(
    isolated_environment: Mapping[str, str], users_of: Callable[..., ApiUsers]
) -> None:
    port = free_port()
    dsn = isolated_environment["PHOTOMESH_POSTGRES_DSN"]
    async with client_at(isolated_environment, port) as api, open_pool(dsn) as pool:
        ada, grace, joan = await users_of(api, pool).new_users(3)
        async with process(MODULE, isolated_environment, port=port):
            await ada.follow(grace)
            await joan.follow(grace)
            assert reconcile(isolated_environment) == (0, "0 repaired, 0 wrong\n")
            await pool.execute("UPDATE accounts SET followers = 7 WHERE id = $1", grace.number)
            await pool.execute("UPDATE accounts SET following = 0 WHERE id = $1", ada.number)
            code, text = reconcile(isolated_environment)
            assert code == 1
            assert f"{grace.id}: followers 7 → 2, following 0 → 0: wrong\n" in text
            assert f"{ada.id}: followers 0 → 0, following 0 → 1: wrong\n" in text
            assert text.endswith("0 repaired, 2 wrong\n")
            assert await grace.counts() == (7, 0)
            code, text = reconcile(isolated_environment, "--repair")
            assert code == 0
            assert text.endswith("2 repaired, 0 wrong\n")
            assert (await ada.counts(), await grace.counts()) == ((0, 1), (2, 0))
            assert reconcile(isolated_environment) == (0, "0 repaired, 0 wrong\n")


async def test_shuts_down_on_sigterm(
    isolated_environment: Mapping[str, str], users_of: Callable[..., ApiUsers]
) -> None:
    async with process(MODULE, isolated_environment, port=free_port()) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            ada, grace = await two_users(isolated_environment, api, users_of)
            await ada.follow(grace)
            metrics = (await api.get("/metrics")).text
            assert (await api.get("/readyz")).json() == {"ready": True, "failures": {}}
        running.kill(signal.SIGTERM)
        assert await running.ended() == -signal.SIGTERM
    assert 'photomesh_social_graph_changes_total{type="photomesh.follow.created.v1"} 1.0' in metrics
