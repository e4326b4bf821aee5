"""What an account uploaded, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from photomesh_shared.ids import encode
from photomesh_shared.stores.postgres import connection
from photomesh_upload.domain import Original, Selection, Upload
from photomesh_upload.store import PostgresUploads, upload_of

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresErasures"]


class PostgresErasures:
    """Implements `eraser.ErasureStore`. Every method raises DatabaseUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._uploads = PostgresUploads(pool)

    async def mark_erased(self, account_id: int) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "INSERT INTO account_usage (account_id, day, uploads, bytes, erased) VALUES ($1, 'epoch', 0, 0, true)"
                " ON CONFLICT (account_id) DO UPDATE SET day = 'epoch', uploads = 0, bytes = 0, erased = true",
                account_id,
            )

    async def uploads_of(self, account_id: int, limit: int) -> list[Upload]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT * FROM uploads WHERE account_id = $1 ORDER BY upload_id LIMIT $2", account_id, limit
            )
        return [upload_of(row) for row in rows]

    async def originals_of(self, account_id: int, limit: int) -> list[Original]:
        return await self._uploads.find_originals(Selection(account_id=account_id), after=-1, limit=limit)

    async def forget_uploads(self, upload_ids: Sequence[int]) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("DELETE FROM uploads WHERE upload_id = ANY($1)", upload_ids)

    async def forget_originals(self, photo_ids: Sequence[int]) -> None:
        await self._uploads.forget_originals(photo_ids)

    async def forget_events(self, account_id: int) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("DELETE FROM outbox WHERE key = $1", encode("u", account_id).encode())
