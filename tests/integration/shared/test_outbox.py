"""The outbox on a real PostgreSQL: what was committed is sent, in order, at least once, whoever dies on the way."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from photomesh_shared.events import Envelope, Record, decode, encode
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.stores import outbox
from photomesh_shared.stores.outbox import SHARDS, OutboxRelay
from photomesh_shared.stores.postgres import open_pool
from tests.integration.shared.conftest import KafkaBench
from tests.integration.shared.test_publisher import numbers_by_key
from tests.support.cancellation import await_a_task_that_was_cancelled
from tests.support.kafka import kafka_variables
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.support.sample_events import SAMPLE, SampleEvent
from tests.support.servers import Servers
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    async with open_pool(dsn) as pool:
        yield pool


@asynccontextmanager
async def relaying(pool: Pool, publisher: Publisher, **options: Any) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(OutboxRelay(pool, publisher, **options).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def happen(pool: Pool, who: str, kind: type[SampleEvent] = SAMPLE) -> Envelope[SampleEvent]:
    """Counts up, and commits the event with it."""
    async with pool.acquire() as connection, connection.transaction():
        number = await connection.fetchval(
            "INSERT INTO counters (who) VALUES ($1) ON CONFLICT (who)"
            " DO UPDATE SET number = counters.number + 1 RETURNING number",
            who,
        )
        envelope = Envelope.of(kind(who=who, number=number), entityversion=number + 1, source="/test")
        await outbox.add(connection, envelope)
        return envelope


async def all_sent(pool: Pool) -> None:
    async def waiting() -> int:
        return int(await pool.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL"))

    await eventually(waiting, until=lambda count: count == 0, within=60)


def numbers(records: list[Record], who: str) -> list[int]:
    events = [decode(record).data for record in records]
    return [event.number for event in events if isinstance(event, SampleEvent) and event.who == who]


async def test_what_is_committed_is_sent_exactly_as_it_was_encoded(pool: Pool) -> None:
    broker = MemoryBroker()
    envelope = await happen(pool, "änn")
    async with relaying(pool, MemoryPublisher(broker)):
        await all_sent(pool)
    (sent,) = broker.records(SAMPLE.topic)
    expected = encode(envelope)
    assert (sent.key, sent.value) == (expected.key, expected.value)
    assert dict(sent.headers) == dict(expected.headers)


async def test_what_is_rolled_back_is_not_sent(pool: Pool) -> None:
    broker = MemoryBroker()

    async def fail() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await outbox.add(connection, Envelope.of(SAMPLE(who="ann", number=0), entityversion=1, source="/test"))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await fail()
    await happen(pool, "bob")
    async with relaying(pool, MemoryPublisher(broker)):
        await all_sent(pool)
    assert [record.key for record in broker.records(SAMPLE.topic)] == [b"bob"]


async def test_an_event_outside_of_a_transaction_is_refused(pool: Pool) -> None:
    envelope = Envelope.of(SAMPLE(who="ann", number=0), entityversion=1, source="/test")
    async with pool.acquire() as connection:
        with pytest.raises(RuntimeError, match="transaction"):
            await outbox.add(connection, envelope)


async def test_a_commit_wakes_the_relay_at_once(pool: Pool) -> None:
    broker = MemoryBroker()
    async with relaying(pool, MemoryPublisher(broker), poll_seconds=3600):
        await happen(pool, "ann")  # what is there when the relay begins
        await all_sent(pool)
        for number in range(1, 6):
            await happen(pool, "ann")
            await all_sent(pool)
            assert numbers(broker.records(SAMPLE.topic), "ann") == list(range(number + 1))


async def test_two_relays_send_each_row_once_and_in_order(pool: Pool, dsn: str) -> None:
    broker = MemoryBroker()
    keys = [f"key{n}" for n in range(16)]

    async def many(who: str) -> None:
        for _ in range(10):
            await happen(pool, who)

    async with (
        open_pool(dsn) as other,
        relaying(pool, MemoryPublisher(broker), poll_seconds=0.05),
        relaying(other, MemoryPublisher(broker), poll_seconds=0.05),
    ):
        await asyncio.gather(*(many(who) for who in keys))
        await all_sent(pool)
    records = broker.records(SAMPLE.topic)
    assert len(records) == 160
    assert all(numbers(records, who) == list(range(10)) for who in keys)


async def test_another_relay_takes_over(pool: Pool, dsn: str) -> None:
    broker = MemoryBroker()
    async with open_pool(dsn) as other, relaying(pool, MemoryPublisher(broker), poll_seconds=0.05) as first:
        await happen(pool, "ann")
        await all_sent(pool)
        async with relaying(other, MemoryPublisher(broker), poll_seconds=0.05):
            first.cancel()
            await asyncio.wait([first])
            for n in range(4 * SHARDS):
                await happen(pool, f"key{n}")
            await all_sent(pool)
    assert len(broker.records(SAMPLE.topic)) == 4 * SHARDS + 1


async def test_a_lost_connection_is_replaced(pool: Pool, dsn: str) -> None:
    broker = MemoryBroker()
    async with relaying(pool, MemoryPublisher(broker), poll_seconds=0.05):
        await happen(pool, "ann")
        await all_sent(pool)
        killer = await asyncpg.connect(dsn)
        killed = await killer.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        assert killed
        await killer.close()

        async def again() -> bool:
            try:
                await happen(pool, "ann")
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                return False  # the pool hands out a connection that was killed as well
            return True

        await eventually(again)
        await all_sent(pool)
    assert numbers(broker.records(SAMPLE.topic), "ann") == [0, 1]


async def test_while_kafka_is_down_rows_wait_and_then_go_in_order(pool: Pool) -> None:
    broker = MemoryBroker()
    broker.down = True
    async with relaying(pool, MemoryPublisher(broker), poll_seconds=0.05) as relay:
        for _ in range(5):
            await happen(pool, "ann")
        await asyncio.sleep(0)
        assert broker.records(SAMPLE.topic) == []
        assert not relay.done()
        broker.down = False
        await all_sent(pool)
    assert numbers(broker.records(SAMPLE.topic), "ann") == list(range(5))


async def test_a_send_that_is_cut_off_stops_no_shard(pool: Pool) -> None:
    """By a cancellation that nobody asked for; see `photomesh_shared.concurrency.cancellation`."""

    class CutOffOnce(MemoryPublisher):
        cut_off = False

        async def send(self, records: Sequence[Record]) -> None:
            if not self.cut_off:
                self.cut_off = True
                await await_a_task_that_was_cancelled()
            await super().send(records)

    broker = MemoryBroker()
    async with relaying(pool, CutOffOnce(broker), poll_seconds=0.05):
        for _ in range(3):
            await happen(pool, "ann")
        await all_sent(pool)
    assert numbers(broker.records(SAMPLE.topic), "ann") == list(range(3))


async def test_rows_that_were_sent_are_kept_for_a_while_and_then_pruned(pool: Pool) -> None:
    publisher = MemoryPublisher(MemoryBroker())

    async def rows() -> int:
        return int(await pool.fetchval("SELECT count(*) FROM outbox"))

    for n in range(8):
        await happen(pool, f"key{n}")
    async with relaying(pool, publisher, keep=timedelta(days=1)):
        await all_sent(pool)
    assert await rows() == 8
    await pool.execute("UPDATE outbox SET published_at = now() - interval '2 days'")
    await happen(pool, "fresh")
    async with relaying(pool, publisher, keep=timedelta(days=1)):
        await eventually(rows, until=lambda count: count == 1)


@pytest.mark.parametrize(("point", "repeated"), [("outbox.after_publish", True), ("outbox.after_mark", False)])
async def test_a_relay_that_is_killed_has_lost_nothing(
    pool: Pool, dsn: str, bench: KafkaBench, point: str, repeated: bool
) -> None:
    """The publish is repeated by its successor if, and only if, it died before it could mark the rows."""
    for _ in range(3):
        await happen(pool, "ann", bench.kind)
    environment = os.environ | kafka_variables()
    killed = environment | {"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{point}=kill"}
    relay = [sys.executable, "-m", "tests.support.relay", dsn]
    first = await asyncio.create_subprocess_exec(*relay, env=killed)
    assert await asyncio.wait_for(first.wait(), 60) == -9
    assert (await numbers_by_key(bench))["ann"] == [0, 1, 2]

    second = await asyncio.create_subprocess_exec(*relay, env=environment)
    try:
        await happen(pool, "ann", bench.kind)
        await all_sent(pool)
    finally:
        second.terminate()
        await second.wait()
    assert (await numbers_by_key(bench))["ann"] == ([0, 1, 2, 0, 1, 2, 3] if repeated else [0, 1, 2, 3])
    records = await bench.records()
    assert len({record.header("ce_id") for record in records}) == 4


async def test_restarts_of_postgres_are_survived(pool: Pool, bench: KafkaBench, servers: Servers) -> None:
    async with relaying(pool, bench.publisher) as relay:
        await happen(pool, "ann", bench.kind)
        await all_sent(pool)
        await asyncio.to_thread(servers.restart, "postgres")

        async def again() -> bool:
            try:
                await happen(pool, "ann", bench.kind)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                return False
            return True

        await eventually(again)
        await all_sent(pool)
        assert not relay.done()
    assert (await numbers_by_key(bench))["ann"] == [0, 1]
