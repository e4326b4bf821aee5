"""Signing keys in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from photomesh_identity.signing_keys.domain import SigningKey
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresSigningKeys"]

_LOCK = 7_042_101


class PostgresSigningKeys:
    """Implements `service.KeyStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self) -> list[SigningKey]:
        async with connection(self._pool) as conn:
            return await _load(conn)

    async def update(self, change: Callable[[list[SigningKey]], list[SigningKey]]) -> list[SigningKey]:
        """Replaces the keys by what `change` returns, one process at a time; returns them."""
        async with transaction(self._pool) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            before = await _load(tx)
            after = change(before)
            await tx.execute("DELETE FROM signing_keys WHERE NOT kid = ANY($1)", [key.kid for key in after])
            for key in after:
                if key not in before:
                    await tx.execute(
                        "INSERT INTO signing_keys VALUES ($1, $2::text::jsonb, $3, $4, $5)"
                        " ON CONFLICT (kid) DO UPDATE SET sealed_private = excluded.sealed_private",
                        key.kid,
                        json.dumps(key.public_jwk),
                        key.encrypted_private,
                        key.created_at,
                        key.active_from,
                    )
        return after


async def _load(conn: Connection) -> list[SigningKey]:
    rows = await conn.fetch(
        "SELECT kid, public_jwk::text, sealed_private, created_at, active_from FROM signing_keys ORDER BY active_from"
    )
    return [
        SigningKey(
            row["kid"], json.loads(row["public_jwk"]), row["sealed_private"], row["created_at"], row["active_from"]
        )
        for row in rows
    ]
