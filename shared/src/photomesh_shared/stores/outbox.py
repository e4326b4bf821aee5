"""The transactional outbox: an event is committed with the state it speaks of, then relayed to Kafka.

    async with pool.acquire() as connection, connection.transaction():
        await store.complete(connection, upload)
        await outbox.add(connection, Envelope.of(event, entityversion=1))

The row holds the record as it will be sent. `OutboxRelay` sends the rows of each key in the order of their ids, marks
them after Kafka's acknowledgement, and so delivers each at least once. Events about one entity must be added under a
lock on it (its row, as a rule): ids are given out when rows are inserted, and become visible when they are committed.

Rows are spread over `SHARDS` by their key. A shard is relayed by whoever holds its advisory lock, so any number of
replicas may run a relay, and another takes over when one dies.
"""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import asyncpg
from prometheus_client import Counter, Gauge

from photomesh_shared.clock import Clock, SystemClock, happened_within
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.concurrency.cancellation import surface_stray_cancellation
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, Record, encode
from photomesh_shared.failpoints import declare, failpoint

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from photomesh_shared.kafka.publisher import Publisher

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

__all__ = ["DDL", "SHARDS", "OutboxRelay", "add"]

log = logging.getLogger(__name__)

SHARDS = 4
DDL = files("photomesh_shared.stores").joinpath("outbox.sql").read_text()
"""The table; in a service's migrations as `…_outbox.sql`."""

_LOCK_SPACE = 7_042_002  # with the shard's number, the key of an advisory lock
_CHANNEL = "photomesh_outbox"
_BATCH = 500
_HOUSEKEEPING_SECONDS = 5.0
_BACKOFF = Backoff(base=0.2, cap=5.0)
_STEADY_SECONDS = 10.0

AFTER_PUBLISH = declare("outbox.after_publish", "Kafka has the records, the rows are not marked")
AFTER_MARK = declare("outbox.after_mark", "the rows are marked")

BACKLOG = Gauge("photomesh_outbox_backlog", "Rows that wait for the relay, as the last relay to look saw them.")
AGE = Gauge("photomesh_outbox_oldest_seconds", "Age of the oldest row that waits.")
RELAYED = Counter("photomesh_outbox_relayed_total", "Rows sent and marked.", ["topic"])


async def add(connection: Connection, envelope: Envelope[Event]) -> None:
    """Adds an event to the transaction that `connection` is in; the relay wakes when that commits."""
    if not connection.is_in_transaction():
        raise RuntimeError("an event belongs into the transaction that changes the state")
    record = encode(envelope)
    assert record.key is not None
    assert record.value is not None
    shard = zlib.crc32(record.key) % SHARDS
    await connection.execute(
        "WITH added AS ("
        "  INSERT INTO outbox (shard, topic, key, headers, payload, event_id, type)"
        "  VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7)"
        ") SELECT pg_notify($8, $9)",
        shard,
        record.topic,
        record.key,
        json.dumps({name: value.decode() for name, value in record.headers}),
        record.value,
        envelope.id,
        envelope.data.type_,
        _CHANNEL,
        str(shard),
    )


class OutboxRelay:
    """Sends what `add` has left, for as long as it runs.

    Uses one connection of the pool for everything: the locks live and die with it, so a relay that has lost its
    locks can no longer mark rows either. (It may still be sending a batch when another relay takes over; the batch
    is then sent twice, which at-least-once delivery allows and `entityversion` sorts out.)
    """

    def __init__(
        self,
        pool: Pool,
        publisher: Publisher,
        clock: Clock | None = None,
        *,
        poll_seconds: float = 1.0,
        keep: timedelta = timedelta(days=1),
    ) -> None:
        """`poll_seconds`: how often to look without having been notified. `keep`: how long sent rows stay."""
        self._pool = pool
        self._publisher = publisher
        self._clock = clock or SystemClock()
        self._poll_seconds = poll_seconds
        self._keep = keep

    async def run(self) -> None:
        """Relays until cancelled. Restarts of PostgreSQL and Kafka are waited out."""
        failures = 0
        while True:
            started = self._clock.monotonic()
            # A task of its own, so that a cancellation of ours is never mistaken for one within its task group.
            relaying = asyncio.create_task(self._relay_once())
            try:
                await asyncio.wait([relaying])
            finally:
                relaying.cancel()
                await asyncio.wait([relaying])
            failures = failures + 1 if self._clock.monotonic() - started < _STEADY_SECONDS else 1
            await self._back_off(failures)

    async def _relay_once(self) -> None:
        """Relays until something breaks, and says what did."""
        try:
            async with self._pool.acquire() as connection:
                await self._relay(connection)
        except* (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as group:
            log.warning("the outbox relay lost its connection", extra={"reason": repr(group.exceptions[0])})
        except* Exception:
            log.exception("the outbox relay failed and starts again")

    async def _relay(self, connection: Connection) -> None:
        """Relays over one connection, until it breaks."""
        session = _Session(connection)
        async with session.listening(), asyncio.TaskGroup() as tasks:
            tasks.create_task(session.raise_when_lost())
            tasks.create_task(_never_cancelled(self._keep_house(session)))
            for shard in range(SHARDS):
                tasks.create_task(_never_cancelled(self._relay_shard(session, shard)))

    async def _relay_shard(self, session: _Session, shard: int) -> None:
        while not await session.try_lock(shard):
            await self._clock.sleep(self._poll_seconds)
        failures = 0
        while True:
            rows = await session.unpublished(shard)
            if not rows:
                await happened_within(session.added[shard], self._poll_seconds, self._clock)
                session.added[shard].clear()
                continue
            try:
                await self._publisher.send([_record(row) for row in rows])
            except Unavailable as error:
                failures += 1
                log.warning("the outbox relay cannot publish", extra={"shard": shard, "reason": str(error)})
                await self._back_off(failures)
                continue
            failures = 0
            await failpoint(AFTER_PUBLISH)
            await session.mark([row["id"] for row in rows])
            await failpoint(AFTER_MARK)
            for row in rows:
                RELAYED.labels(row["topic"]).inc()

    async def _keep_house(self, session: _Session) -> None:
        """Measures what waits in our shards, and prunes what was sent long ago."""
        while True:
            backlog, age = await session.backlog()
            BACKLOG.set(backlog)
            AGE.set(age)
            await session.prune(self._keep)
            await self._clock.sleep(_HOUSEKEEPING_SECONDS)

    async def _back_off(self, failures: int) -> None:
        await self._clock.sleep(_BACKOFF.delay(failures))


async def _never_cancelled(work: Awaitable[None]) -> None:
    """Lets work that ends by a cancellation of its own making fail, which ends the group; a group would ignore it."""
    with surface_stray_cancellation():
        await work


class _Session:
    """One connection and what is done over it, one statement at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._busy = asyncio.Lock()
        self._lost = asyncio.Event()
        self._held: list[int] = []
        self.added = [asyncio.Event() for _ in range(SHARDS)]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        def on_notification(*arguments: object) -> None:
            self.added[int(str(arguments[-1]))].set()

        def on_termination(_: object) -> None:
            self._lost.set()

        self._connection.add_termination_listener(on_termination)
        # So that the server notices within half a minute when this machine is gone, and frees the locks.
        await self._connection.execute(
            "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),"
            " set_config('tcp_keepalives_count', '4', false)"
        )
        await self._connection.add_listener(_CHANNEL, on_notification)
        try:
            yield
        finally:
            # Cut rather than given back: the locks go with it at once, and nothing here waits or fails.
            with suppress(asyncpg.InterfaceError):  # it is gone already
                self._connection.terminate()

    async def raise_when_lost(self) -> None:
        await self._lost.wait()
        raise ConnectionError("PostgreSQL closed the connection")

    async def try_lock(self, shard: int) -> bool:
        async with self._busy:
            held = await self._connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_SPACE, shard)
        if held:
            self._held.append(shard)
        return bool(held)

    async def unpublished(self, shard: int) -> list[asyncpg.Record]:
        async with self._busy:
            return await self._connection.fetch(
                "SELECT id, topic, key, headers::text AS headers, payload FROM outbox"
                " WHERE shard = $1 AND published_at IS NULL ORDER BY id LIMIT $2",
                shard,
                _BATCH,
            )

    async def mark(self, ids: list[int]) -> None:
        async with self._busy:
            await self._connection.execute("UPDATE outbox SET published_at = now() WHERE id = ANY($1)", ids)

    async def backlog(self) -> tuple[int, float]:
        """How many rows wait in the shards that we hold, and for how many seconds the oldest has."""
        async with self._busy:
            row = await self._connection.fetchrow(
                "SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8"
                " FROM outbox WHERE shard = ANY($1) AND published_at IS NULL",
                self._held,
            )
        assert row is not None
        return row[0], row[1]

    async def prune(self, keep: timedelta) -> None:
        async with self._busy:
            await self._connection.execute(
                "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE published_at < now() - $1::interval"
                " AND shard = ANY($2) ORDER BY published_at LIMIT $3)",
                keep,
                self._held,
                10 * _BATCH,
            )


def _record(row: asyncpg.Record) -> Record:
    headers = json.loads(row["headers"])
    return Record(row["topic"], row["key"], row["payload"], tuple((k, v.encode()) for k, v in headers.items()))
