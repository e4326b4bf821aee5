"""The transactional outbox: an event is committed together with the state change, then relayed to Kafka.

    async with pool.acquire() as connection, connection.transaction():
        await store.complete(connection, upload)
        await outbox.add(connection, Envelope.of(event, entityversion=1))

The row holds the encoded record. `OutboxRelay` sends the rows of each owner in the order of their ids and marks them
after Kafka's acknowledgement: delivery is at least once. Events about one entity must be added under a lock on it
(usually its row), because ids are assigned on insert but become visible on commit.

Rows are spread over `SHARDS` by their owner (`Record.partition_key`). A shard is relayed by the holder of its advisory
lock, so any number of replicas may run a relay, and another takes over if one dies.
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
_BATCH = 500  # rows that are sent together
_HOUSEKEEPING_SECONDS = 5.0
_BACKOFF = Backoff(base=0.2, cap=5.0)
_STEADY_SECONDS = 10.0

AFTER_PUBLISH = declare("outbox.after_publish", "Kafka has the records, the rows are not marked")
AFTER_MARK = declare("outbox.after_mark", "the rows are marked")

BACKLOG = Gauge("photomesh_outbox_backlog", "Rows that wait for the relay, as of its last check.")
AGE = Gauge("photomesh_outbox_oldest_seconds", "Age of the oldest waiting row.")
RELAYED = Counter("photomesh_outbox_relayed_total", "Rows sent and marked.", ["topic"])


async def add(connection: Connection, envelope: Envelope[Event]) -> None:
    """Add an event to the current transaction of `connection`; its commit wakes the relay."""
    if not connection.is_in_transaction():
        raise RuntimeError("an outbox event must be added in the transaction that changes the state")
    record = encode(envelope)
    assert record.key is not None
    assert record.value is not None
    shard = zlib.crc32(record.partition_key or record.key) % SHARDS
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
    """Relays the rows of `add` to Kafka.

    Uses one connection of the pool for everything: the locks are bound to it, so a relay that has lost its locks cannot
    mark rows either. (If it is still sending a batch when another relay takes over, the batch is sent twice, which
    at-least-once delivery allows; consumers deduplicate by `entityversion`.)
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
        """`poll_seconds`: polling interval without notifications. `keep`: retention of sent rows."""
        self._pool = pool
        self._publisher = publisher
        self._clock = clock or SystemClock()
        self._poll_seconds = poll_seconds
        self._keep = keep

    async def run(self) -> None:
        """Relay until cancelled. Reconnects after restarts of PostgreSQL and Kafka."""
        failures = 0
        while True:
            started = self._clock.monotonic()
            # A separate task, so that its cancellation cannot be mistaken for one within its task group.
            relaying = asyncio.create_task(self._relay_once())
            try:
                await asyncio.wait([relaying])
            finally:
                relaying.cancel()
                await asyncio.wait([relaying])
            failures = failures + 1 if self._clock.monotonic() - started < _STEADY_SECONDS else 1
            await self._back_off(failures)

    async def _relay_once(self) -> None:
        """Relay until an error occurs, and log it."""
        try:
            async with self._pool.acquire() as connection:
                await self._relay(connection)
        except* (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as group:
            log.warning("outbox relay lost its connection", extra={"reason": repr(group.exceptions[0])})
        except* Exception:
            log.exception("outbox relay failed, restarting")

    async def _relay(self, connection: Connection) -> None:
        """Relay over one connection, until it is lost."""
        session = _Session(connection)
        async with session.listening(), asyncio.TaskGroup() as tasks:
            tasks.create_task(session.raise_when_lost())
            tasks.create_task(_never_cancelled(self._keep_house(session)))
            tasks.create_task(_never_cancelled(self._take_shards(session)))
            tasks.create_task(_never_cancelled(self._relay_rows(session)))

    async def _take_shards(self, session: _Session) -> None:
        """Take the shards, as soon as no other relay holds them."""
        while not await session.take_free_shards():
            await self._clock.sleep(self._poll_seconds)

    async def _relay_rows(self, session: _Session) -> None:
        """Relay the rows of all shards that are held: those that wait are read, sent and marked together."""
        failures = 0
        while True:
            rows = await session.unpublished()
            if not rows:
                await happened_within(session.added, self._poll_seconds, self._clock)
                session.added.clear()
                continue
            try:
                await self._publisher.send([_record(row) for row in rows])
            except Unavailable as error:
                failures += 1
                log.warning("outbox relay cannot publish", extra={"reason": str(error)})
                await self._back_off(failures)
                continue
            failures = 0
            await failpoint(AFTER_PUBLISH)
            await session.mark([row["id"] for row in rows])
            await failpoint(AFTER_MARK)
            for row in rows:
                RELAYED.labels(row["topic"]).inc()

    async def _keep_house(self, session: _Session) -> None:
        """Measure the backlog of the held shards, and prune old sent rows."""
        while True:
            backlog, age = await session.backlog()
            BACKLOG.set(backlog)
            AGE.set(age)
            await session.prune(self._keep)
            await self._clock.sleep(_HOUSEKEEPING_SECONDS)

    async def _back_off(self, failures: int) -> None:
        await self._clock.sleep(_BACKOFF.delay(failures))


async def _never_cancelled(work: Awaitable[None]) -> None:
    """Turn a stray cancellation of `work` into an error, which ends the task group; a group would ignore the
    cancellation."""
    with surface_stray_cancellation():
        await work


class _Session:
    """One connection, used for one statement at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._busy = asyncio.Lock()
        self._lost = asyncio.Event()
        self._held: list[int] = []
        self.added = asyncio.Event()
        """Set when there may be rows to relay."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        def on_notification(*arguments: object) -> None:
            if int(str(arguments[-1])) in self._held:
                self.added.set()

        def on_termination(_: object) -> None:
            self._lost.set()

        self._connection.add_termination_listener(on_termination)
        # If this machine dies, the server notices within half a minute and releases the locks.
        await self._connection.execute(
            "SELECT set_config('tcp_keepalives_idle', '10', false), set_config('tcp_keepalives_interval', '5', false),"
            " set_config('tcp_keepalives_count', '4', false)"
        )
        await self._connection.add_listener(_CHANNEL, on_notification)
        try:
            yield
        finally:
            # Terminated rather than released: frees the locks at once, and neither waits nor fails.
            with suppress(asyncpg.InterfaceError):  # already closed
                self._connection.terminate()

    async def raise_when_lost(self) -> None:
        await self._lost.wait()
        raise ConnectionError("PostgreSQL closed the connection")

    async def take_free_shards(self) -> bool:
        """Lock those shards that no other relay holds. Return whether all are held."""
        wanted = [shard for shard in range(SHARDS) if shard not in self._held]
        async with self._busy:
            rows = await self._connection.fetch(
                "SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock($1, shard)",
                _LOCK_SPACE,
                wanted,
            )
        if rows:
            self._held += [row["shard"] for row in rows]
            self.added.set()
        return len(self._held) == SHARDS

    async def unpublished(self) -> list[asyncpg.Record]:
        """Return the first rows of each shard that is held, in order."""
        if not self._held:
            return []
        async with self._busy:
            return await self._connection.fetch(
                "SELECT waiting.* FROM unnest($1::int[]) AS held(shard) CROSS JOIN LATERAL ("
                " SELECT id, topic, key, headers::text AS headers, payload FROM outbox"
                " WHERE outbox.shard = held.shard AND published_at IS NULL ORDER BY id LIMIT $2) AS waiting"
                " ORDER BY id",
                self._held,
                _BATCH // SHARDS,
            )

    async def mark(self, ids: list[int]) -> None:
        async with self._busy:
            await self._connection.execute("UPDATE outbox SET published_at = now() WHERE id = ANY($1)", ids)

    async def backlog(self) -> tuple[int, float]:
        """Return the number of waiting rows in the held shards, and the age of the oldest in seconds."""
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
