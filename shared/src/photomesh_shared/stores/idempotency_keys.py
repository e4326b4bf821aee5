"""Records of idempotency keys, beside what the keys create: they are as durable, and no other data makes room for them.

Both stores keep a record for 24 hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from photomesh_shared.ids import KeyRecord
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.cassandra import CassandraSession
    from photomesh_shared.stores.postgres import Pool

__all__ = ["CassandraKeys", "PostgresKeys"]

_EXPIRED_PER_CLAIM = 16


class PostgresKeys:
    """Implements `http.idempotency.KeyRecords` in the table of `migrations/*_idempotency_keys.sql`. Each claim deletes
    some expired records, so the table has no more than a day's."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, record: KeyRecord) -> KeyRecord:
        async with transaction(self._pool) as tx:
            await tx.execute(
                "DELETE FROM idempotency_keys WHERE name IN (SELECT name FROM idempotency_keys"
                "  WHERE created_at < now() - interval '24 hours' AND name <> $1"
                "  ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
                record.name,
                _EXPIRED_PER_CLAIM,
            )
            await tx.execute(
                "DELETE FROM idempotency_keys WHERE name = $1 AND created_at < now() - interval '24 hours'", record.name
            )
            row = await tx.fetchrow(
                "INSERT INTO idempotency_keys AS k (name, fingerprint, creation_id) VALUES ($1, $2, $3)"
                " ON CONFLICT (name) DO UPDATE SET name = k.name RETURNING fingerprint, creation_id",
                record.name,
                record.fingerprint,
                record.creation_id,
            )
        assert row is not None
        return KeyRecord(record.name, row["fingerprint"], row["creation_id"])

    async def remove(self, record: KeyRecord) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "DELETE FROM idempotency_keys WHERE name = $1 AND creation_id = $2", record.name, record.creation_id
            )


class CassandraKeys:
    """Implements `http.idempotency.KeyRecords` by lightweight transactions. The rows of the table expire."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def claim(self, record: KeyRecord) -> KeyRecord:
        answer = await self._session.execute(
            "INSERT INTO idempotency_keys (name, fingerprint, creation_id) VALUES (?, ?, ?) IF NOT EXISTS",
            record.name,
            record.fingerprint,
            record.creation_id,
        )
        row = answer[0]
        return record if row["[applied]"] else KeyRecord(record.name, row["fingerprint"], row["creation_id"])

    async def remove(self, record: KeyRecord) -> None:
        await self._session.execute(
            "DELETE FROM idempotency_keys WHERE name = ? IF creation_id = ?", record.name, record.creation_id
        )
