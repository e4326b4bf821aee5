"""How far the comparison of copies is, in PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from photomesh_shared.stores.postgres import connection

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresCopyProgress"]


class PostgresCopyProgress:
    """Implements `photomesh_shared.consumer.copies.Progress`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self, copy: str) -> str | None:
        async with connection(self._pool) as conn:
            state: str | None = await conn.fetchval("SELECT state FROM copy_passes WHERE copy = $1", copy)
        return state

    async def swap(self, copy: str, before: str | None, after: str) -> bool:
        async with connection(self._pool) as conn:
            if before is None:
                done = await conn.execute(
                    "INSERT INTO copy_passes (copy, state) VALUES ($1, $2) ON CONFLICT DO NOTHING", copy, after
                )
            else:
                done = await conn.execute(
                    "UPDATE copy_passes SET state = $3 WHERE copy = $1 AND state = $2", copy, before, after
                )
        return not str(done).endswith(" 0")
