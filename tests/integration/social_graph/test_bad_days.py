"""Crashes, accounts' events that come late and twice, servers that are away, counts that drifted."""

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
from photomesh_shared.postgres import open_pool
from photomesh_social_graph.admissions import Admissions
from photomesh_social_graph.store import PostgresGraph
from tests.integration.social_graph.conftest import Serving
from tests.integration.social_graph.people import People, Person
from tests.integration.social_graph.test_events import events, told
from tests.support.kafka import Topics
from tests.support.problems import expect_problem
from tests.support.services import Process, process
from tests.support.tokens import Issuer, free_port
from tests.support.waiting import eventually
from tests.unit.social_graph.world import account

if TYPE_CHECKING:
    from photomesh_shared.postgres import Pool

MODULE = "photomesh_social_graph"


@pytest.fixture
def people_of(issuer: Issuer, new_id: Callable[[], int]) -> Callable[..., People]:
    def make(api: httpx.AsyncClient, pool: Pool) -> People:
        return People(api, Admissions(PostgresGraph(pool), SystemClock()), issuer, new_id)

    return make


async def two_people(
    alone: Mapping[str, str], api: httpx.AsyncClient, people_of: Callable[..., People]
) -> list[Person]:
    async with open_pool(alone["PHOTOMESH_POSTGRES_DSN"]) as pool:
        return await people_of(api, pool).several(2)


async def dies_of_a_follow(running: Process, actor: Person, target: Person) -> None:
    with suppress(httpx.TransportError):
        await actor.put(f"/v1/users/{target.id}/follow")
    assert await running.ended() == -signal.SIGKILL


@pytest.mark.parametrize("place", ["social-graph.after_commit", "outbox.after_publish", "outbox.after_mark"])
async def test_killed_between_commit_and_relay(
    alone: Mapping[str, str], topics: Topics, people_of: Callable[..., People], place: str
) -> None:
    port = free_port()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
        ada, grace = await two_people(alone, api, people_of)
        async with process(MODULE, alone, port=port, failpoints=f"{place}=kill") as running:
            await dies_of_a_follow(running, ada, grace)
        async with process(MODULE, alone, port=port):
            assert await ada.stands_to(grace) == [{"following"}]
            await ada.follow(grace)
            assert (await ada.counts(), await grace.counts()) == ((0, 1), (1, 0))
            await ada.unfollow(grace)
            found = await topics.wait_for(
                "follows",
                f"{ada.id}.{grace.id}",
                until=lambda found: {envelope.entityversion for envelope in found} >= {1, 2},
            )
    in_order = list(dict.fromkeys(envelope.id for envelope in found))  # one may have come twice
    assert in_order == [f"{ada.id}.{grace.id}.1", f"{ada.id}.{grace.id}.2"]


async def test_events_wait_for_kafka(
    alone: Mapping[str, str], topics: Topics, people_of: Callable[..., People]
) -> None:
    port = free_port()
    cut_off = {**alone, "PHOTOMESH_KAFKA_BOOTSTRAP": "127.0.0.1:9"}
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:
        ada, grace = await two_people(alone, api, people_of)
        async with process(MODULE, cut_off, port=port):
            await ada.follow(grace)
        assert await topics.events("follows", f"{ada.id}.{grace.id}") == []
        async with process(MODULE, alone, port=port):
            assert told(await events(topics, ada, grace, 1)) == ["follow.created"]


async def test_connections_that_break_are_no_500(
    serving: Serving, database: asyncpg.Connection[asyncpg.Record]
) -> None:
    async with serving() as people:
        ada, grace = await people.several(2)
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


async def test_accounts_come_by_the_log(
    alone: Mapping[str, str], topics: Topics, people_of: Callable[..., People]
) -> None:
    """Late, twice, and with a consumer that dies half-way through letting people in."""
    port, ops = free_port(), free_port()
    dsn = alone["PHOTOMESH_POSTGRES_DSN"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api, open_pool(dsn) as pool:
        people = people_of(api, pool)
        ada, *fans = [people.unknown() for _ in range(5)]
        async with process(MODULE, alone, port=port):
            async with process(f"{MODULE}.consumer", alone, port=ops):
                registered = [record_of(account(person.number, private=person is ada)) for person in (ada, *fans)]
                await topics.send([*registered, *registered])
                known = "SELECT count(*) FROM accounts WHERE id = ANY($1)"
                numbers = [person.number for person in (ada, *fans)]
                await eventually(lambda: pool.fetchval(known, numbers), until=lambda found: found == 5, within=60)
                for fan in fans:
                    assert (await fan.follow(ada))["requested"] is True
            failpoints = "social-graph.between_admissions=kill@2"
            async with process(f"{MODULE}.consumer", alone, port=ops, failpoints=failpoints) as dying:
                opened = account(ada.number, private=False, version=2)
                await topics.send([record_of(opened), record_of(opened)])
                assert await dying.ended(within=60) == -signal.SIGKILL
            assert await ada.counts() == (2, 0)
            async with process(f"{MODULE}.consumer", alone, port=ops):
                await eventually(ada.counts, until=lambda counts: counts == (4, 0), within=90)
                await topics.send([registered[0]])  # it was private then
                again = people.unknown()
                await topics.send([record_of(account(again.number))])
                await eventually(lambda: pool.fetchval(known, [again.number]), within=60)
            assert (await again.follow(ada))["following"] is True
            for fan in fans:
                assert told(await events(topics, fan, ada, 2)) == ["follow.requested", "follow.created"]


def recount(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", f"{MODULE}.recount", *arguments]
    run = subprocess.run(command, env=dict(environment), capture_output=True, text=True, timeout=60, check=False)
    assert run.stderr == ""
    return run.returncode, run.stdout


async def test_recount_finds_and_mends_drift(alone: Mapping[str, str], people_of: Callable[..., People]) -> None:
    port = free_port()
    dsn = alone["PHOTOMESH_POSTGRES_DSN"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api, open_pool(dsn) as pool:
        ada, grace, joan = await people_of(api, pool).several(3)
        async with process(MODULE, alone, port=port):
            await ada.follow(grace)
            await joan.follow(grace)
            assert recount(alone, "--check") == (0, "every count is right\n")
            await pool.execute("UPDATE accounts SET followers = 7 WHERE id = $1", grace.number)
            await pool.execute("UPDATE accounts SET following = 0 WHERE id = $1", ada.number)
            code, text = recount(alone, "--check")
            assert code == 1
            assert f"{grace.id}: followers 7 → 2, following 0 → 0\n" in text
            assert f"{ada.id}: followers 0 → 0, following 0 → 1\n" in text
            assert text.endswith("2 accounts are wrong\n")
            assert await grace.counts() == (7, 0)
            code, text = recount(alone)
            assert code == 0
            assert text.endswith("2 accounts were wrong\n")
            assert (await ada.counts(), await grace.counts()) == ((0, 1), (2, 0))
            assert recount(alone) == (0, "every count is right\n")


async def test_it_ends_when_told(alone: Mapping[str, str], people_of: Callable[..., People]) -> None:
    async with process(MODULE, alone, port=free_port()) as running:
        async with httpx.AsyncClient(base_url=running.url) as api:
            ada, grace = await two_people(alone, api, people_of)
            await ada.follow(grace)
            metrics = (await api.get("/metrics")).text
            assert (await api.get("/readyz")).json() == {"ready": True, "failures": {}}
        running.kill(signal.SIGTERM)
        assert await running.ended() == -signal.SIGTERM
    assert 'photomesh_social_graph_changes_total{type="photomesh.follow.created.v1"} 1.0' in metrics
