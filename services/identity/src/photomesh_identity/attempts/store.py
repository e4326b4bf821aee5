"""Buckets of attempts in PostgreSQL: log-ins need it anyway, and go on without Redis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_identity.attempts.domain import Charge
from photomesh_shared.concurrency.gcra import Reading, take
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresAttempts"]

_SWEEP = 5_000  # rows in a statement


class PostgresAttempts:
    """Implements `service.AttemptStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, charges: Sequence[Charge], now: datetime) -> list[Reading]:
        names = [charge.name for charge in charges]
        async with transaction(self._pool) as tx:
            # Rows are made and locked in the order of their names, so that no two attempts wait for each other.
            await tx.execute(
                "INSERT INTO attempts (name, tat) SELECT name, 0 FROM unnest($1::bytea[]) AS name ORDER BY name"
                " ON CONFLICT DO NOTHING",
                names,
            )
            rows = await tx.fetch(
                "SELECT name, tat FROM attempts WHERE name = ANY($1::bytea[]) ORDER BY name FOR UPDATE", names
            )
            stored = {bytes(row["name"]): row["tat"] for row in rows}
            tats, readings = take(
                [stored.get(name, 0) for name in names], [charge.policy for charge in charges], _microseconds(now)
            )
            if not any(reading.wait for reading in readings):
                await tx.execute(
                    "UPDATE attempts SET tat = charged.tat"
                    " FROM unnest($1::bytea[], $2::bigint[]) AS charged (name, tat) WHERE attempts.name = charged.name",
                    names,
                    tats,
                )
        return readings

    async def give_back(self, charges: Sequence[Charge]) -> None:
        async with transaction(self._pool) as tx:
            names = [charge.name for charge in charges]
            await tx.execute("SELECT FROM attempts WHERE name = ANY($1::bytea[]) ORDER BY name FOR UPDATE", names)
            await tx.execute(
                "UPDATE attempts SET tat = tat - charged.interval"
                " FROM unnest($1::bytea[], $2::bigint[]) AS charged (name, interval)"
                " WHERE attempts.name = charged.name",
                names,
                [charge.policy.interval for charge in charges],
            )

    async def sweep(self, now: datetime) -> int:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "DELETE FROM attempts WHERE name IN"
                " (SELECT name FROM attempts WHERE tat < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1",
                _microseconds(now),
                _SWEEP,
            )
        return len(rows)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
