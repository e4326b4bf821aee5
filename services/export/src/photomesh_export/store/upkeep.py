"""Deletion of exports that are over, erasure of accounts, and figures."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from photomesh_export.domain import Export
from photomesh_export.store import EXPORT, export_of
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["ExportUpkeep", "Figures"]

_RUNNING = "state IN ('queued', 'collecting', 'packing')"


class Figures(NamedTuple):
    """`oldest`: when the oldest running export was begun."""

    running: int
    oldest: datetime | None


class ExportUpkeep:
    """Implements `sweeper.UpkeepStore` and `event_handlers.ErasureStore`. Every method raises DatabaseUnavailable when
    the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def expire(self, now: datetime) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "UPDATE exports SET state = 'expired' WHERE state = 'completed' AND expires_at <= $1", now
            )

    async def to_clear(self, now: datetime, limit: int) -> list[Export]:
        """Return ended exports whose objects are still there, and that no worker has a lease on."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT {EXPORT} FROM exports WHERE state IN ('failed', 'cancelled', 'expired') AND NOT cleared"  # noqa: S608
                " AND coalesce(leased_until, '-infinity') <= $1 ORDER BY id LIMIT $2",
                now,
                limit,
            )
        return [export_of(row) for row in rows]

    async def mark_cleared(self, export_id: int) -> None:
        """Forget what the export held, too."""
        async with transaction(self._pool) as tx:
            await tx.execute("UPDATE exports SET cleared = true WHERE id = $1", export_id)
            await tx.execute("DELETE FROM export_files WHERE export_id = $1", export_id)
            await tx.execute("DELETE FROM export_parts WHERE export_id = $1", export_id)

    async def delete_old(self, before: datetime) -> None:
        async with transaction(self._pool) as tx:
            await tx.execute(
                f"DELETE FROM exports WHERE created_at < $1 AND cleared AND NOT {_RUNNING}",  # noqa: S608
                before,
            )
            await tx.execute("DELETE FROM erased_accounts WHERE erased_at < $1", before)

    async def figures(self) -> Figures:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(f"SELECT count(*), min(created_at) FROM exports WHERE {_RUNNING}")  # noqa: S608
        assert row is not None
        return Figures(row[0], row[1])

    async def end_all(self, account_id: int, now: datetime) -> bool:
        """End all exports of an account that is erased, now and from now on. Returns whether a worker still has one of
        them, for as long as its lease."""
        async with transaction(self._pool) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", account_id)
            await tx.execute("INSERT INTO erased_accounts VALUES ($1, $2) ON CONFLICT DO NOTHING", account_id, now)
            await tx.execute(
                f"UPDATE exports SET state = 'cancelled', ended_at = $2 WHERE account_id = $1 AND {_RUNNING}",  # noqa: S608
                account_id,
                now,
            )
            held = await tx.fetchval(
                "SELECT true FROM exports WHERE account_id = $1 AND leased_until > $2 LIMIT 1", account_id, now
            )
        return bool(held)

    async def delete_all(self, account_id: int) -> int:
        """Delete all that is known of an account's exports. Returns how many there were."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch("DELETE FROM exports WHERE account_id = $1 RETURNING id", account_id)
        return len(rows)
