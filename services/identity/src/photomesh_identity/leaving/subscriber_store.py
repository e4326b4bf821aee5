"""Registered consumer groups of others, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresSubscribers"]


class PostgresSubscribers:
    """Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, group: str, now: datetime) -> None:
        """From the next erasure on, the group must acknowledge."""
        async with connection(self._pool) as conn:
            await conn.execute("INSERT INTO erasure_subscribers VALUES ($1, $2) ON CONFLICT DO NOTHING", group, now)

    async def remove(self, group: str) -> None:
        async with transaction(self._pool) as tx:
            await tx.execute("DELETE FROM erasure_subscribers WHERE group_name = $1", group)
            await tx.execute("UPDATE erasures SET groups = array_remove(groups, $1) WHERE completed_at IS NULL", group)

    async def all(self) -> list[str]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT group_name FROM erasure_subscribers ORDER BY group_name")
        return [row["group_name"] for row in rows]
