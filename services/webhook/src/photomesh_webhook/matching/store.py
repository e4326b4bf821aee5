"""Events for endpoints, in PostgreSQL."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.stores.postgres import transaction
from photomesh_webhook.endpoints.domain import Audience
from photomesh_webhook.endpoints.event_types import event_types_of
from photomesh_webhook.endpoints.store import wake
from photomesh_webhook.matching.domain import MAX_OF_LANE, MAX_ROWS, Heard, Listener, room_for, share
from photomesh_webhook.sending.metrics import ROWS

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

log = logging.getLogger(__name__)

__all__ = ["LISTENER", "PostgresMatching", "insert_rows", "listener_of", "without_erased"]

_POSITIONS = (
    "INSERT INTO positions (topic, partition, next_offset)"
    " SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])"
    " ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset"
)
LISTENER = (
    "SELECT e.id, e.account_id, e.audience, e.types, e.state, e.behind, e.round, waits.pending, waits.counted"
    " FROM endpoints AS e CROSS JOIN LATERAL ("
    "  SELECT coalesce(sum(rows), 0)::int AS pending, coalesce(sum(least(rows, $2)), 0)::int AS counted FROM ("
    "   SELECT count(*) AS rows FROM (SELECT subject FROM deliveries AS d"
    "    WHERE d.endpoint_id = e.id AND d.state = 'pending' ORDER BY subject LIMIT $3) AS few"
    "   GROUP BY subject) AS lanes"
    " ) AS waits"
)
"""$2: how many rows of a lane count; $3: of all, how many are looked at."""
_CANDIDATES = (
    "SELECT id, audience, account_id FROM endpoints WHERE audience = 'everyone' OR account_id = ANY($1::bigint[])"
)
_LOCK = "SELECT FROM endpoints WHERE id = ANY($1::bigint[]) ORDER BY id FOR NO KEY UPDATE"
_MISSED = (
    "INSERT INTO cursors (endpoint_id, topic, partition, next_offset) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT (endpoint_id, topic, partition) DO NOTHING"
)
_BEHIND = "UPDATE endpoints SET behind = true WHERE id = $1 AND NOT behind"
_INSERT = (
    "INSERT INTO deliveries (endpoint_id, round, event_id, type, subject, source, event_time, entityversion, topic,"
    " partition, record_offset, body, about, state, next_attempt_at, created_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'pending', $14, $14)"
    " ON CONFLICT (endpoint_id, event_id, round) DO NOTHING"
)
_PARTITIONS = 24  # that share a transaction


@dataclass(frozen=True, eq=False)
class _Batch:
    """Events of one partition, in order."""

    events: Sequence[Heard]
    now: datetime

    @property
    def owners(self) -> set[int]:
        return {account_id for event in self.events for account_id in event.owners}


class PostgresMatching:
    """Implements `event_handlers.Store`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        # Of partitions that have events at the same time: few events are for an endpoint, and a transaction costs more
        # than to find that out.
        self._together = BatchLoader(self._store_together, max_batch=_PARTITIONS, concurrency=1)

    async def distribute(self, events: Sequence[Heard], now: datetime) -> int:
        batch = _Batch(events, now)
        made = await self._together.load(batch)
        if made is None:  # it or another failed
            made = (await self._store([batch]))[batch]
        ROWS.labels("live").inc(made)
        return made

    async def _store_together(self, batches: Sequence[_Batch]) -> dict[_Batch, int]:
        """Return nothing if one of several cannot be stored: the others must not fail with it."""
        try:
            return await self._store(batches)
        except DatabaseUnavailable:
            raise
        except Exception:
            if len(batches) == 1:
                raise
            log.warning("events of several partitions failed, storing those of each by themselves", exc_info=True)
            return {}

    async def _store(self, batches: Sequence[_Batch]) -> dict[_Batch, int]:
        """Return how many rows each made. One transaction."""
        ends = [batch.events[-1] for batch in batches]
        positions = {(end.topic, end.partition): end.offset + 1 for end in sorted(ends, key=lambda end: end.offset)}
        owners = set[int]().union(*(batch.owners for batch in batches))
        async with transaction(self._pool) as tx:
            # In one order, so that those of two senders, after a rebalance, do not wait for each other.
            rows = [(*partition, position) for partition, position in sorted(positions.items())]
            await tx.execute(_POSITIONS, *map(list, zip(*rows, strict=True)))
            found = await tx.fetch(_CANDIDATES, sorted(owners))
            if not found:
                return dict.fromkeys(batches, 0)
            # From here on nobody else changes whether these endpoints are live: see `catching_up.store`.
            await tx.execute(_LOCK, [row["id"] for row in found])
            made = {}
            for batch in batches:
                of_batch = batch.owners
                candidates = [
                    row["id"] for row in found if row["audience"] == Audience.EVERYONE or row["account_id"] in of_batch
                ]
                made[batch] = await self._store_for(tx, candidates, batch) if candidates else 0
            return made

    async def _store_for(self, tx: Connection, candidates: Sequence[int], batch: _Batch) -> int:
        made = 0
        last = batch.events[-1]
        rows = await tx.fetch(
            f"{LISTENER} WHERE e.id = ANY($1::bigint[]) ORDER BY e.id", candidates, MAX_OF_LANE, MAX_ROWS
        )
        left = await without_erased(tx, batch.events)
        woken = []
        for listener in map(listener_of, rows):
            part = share(listener, left)
            if part.rows:
                await insert_rows(tx, listener, part.rows, batch.now)
                woken.append(listener.id)
                made += len(part.rows)
            if part.missed_from is not None:
                await tx.execute(_MISSED, listener.id, last.topic, last.partition, part.missed_from)
                await tx.execute(_BEHIND, listener.id)
        if woken:
            await wake(tx, woken, batch.now)
        return made


async def without_erased(tx: Connection, events: Sequence[Heard]) -> list[Heard]:
    """Leave out events about accounts that were erased, except those that end something."""
    about = {account_id for event in events for account_id in event.about}
    found = await tx.fetch("SELECT account_id FROM erased_accounts WHERE account_id = ANY($1::bigint[])", sorted(about))
    erased = {row["account_id"] for row in found}
    return [event for event in events if event.ends or not erased & event.about]


async def insert_rows(tx: Connection, listener: Listener, events: Collection[Heard], now: datetime) -> None:
    """Idempotent."""
    await tx.executemany(
        _INSERT,
        [
            (
                listener.id,
                listener.round,
                event.event_id,
                event.type,
                event.subject,
                event.source,
                event.time,
                event.entityversion,
                event.topic,
                event.partition,
                event.offset,
                event.value,
                sorted(event.about),
                now,
            )
            for event in events
        ],
    )


def listener_of(row: asyncpg.Record) -> Listener:
    audience = Audience(row["audience"])
    return Listener(
        id=row["id"],
        account_id=row["account_id"],
        audience=audience,
        types=event_types_of(row["types"], audience),
        round=row["round"],
        live=row["state"] == "enabled" and not row["behind"],
        room=room_for(row["pending"], row["counted"]),
    )
