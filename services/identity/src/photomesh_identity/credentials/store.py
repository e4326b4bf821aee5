"""Password hashes and allowances in PostgreSQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from photomesh_identity.credentials.confirmation import Allowance
from photomesh_identity.errors import WrongCredentials
from photomesh_shared.stores.postgres import connection

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresAllowances", "PostgresPasswords", "lock_credentials", "take"]

_PRUNED = 100  # rows that are deleted with one that is counted: the table stays as small as what is in use


class PostgresPasswords:
    """Implements `confirmation.StoredPasswords`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def password_hash(self, account_id: int) -> str | None:
        async with connection(self._pool) as conn:
            found: str | None = await conn.fetchval(
                "SELECT password_hash FROM credentials WHERE account_id = $1", account_id
            )
        return found


class PostgresAllowances:
    """Implements `confirmation.Allowances`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def take(self, allowance: Allowance, subject: bytes, now: datetime) -> timedelta | None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "DELETE FROM allowances WHERE (kind, subject) IN (SELECT kind, subject FROM allowances"
                " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
                now,
                _PRUNED,
            )
            return await take(conn, allowance, subject, now)

    async def give_back(self, allowance: Allowance, subject: bytes) -> None:
        async with connection(self._pool) as conn:
            await conn.execute("DELETE FROM allowances WHERE kind = $1 AND subject = $2", allowance.kind, subject)


async def lock_credentials(tx: Connection, account_id: int, password_version: int | None = None) -> None:
    """Lets one change of an account's credentials, or log-in, happen at a time, until the transaction ends. Raises
    WrongCredentials if its password is not of this version, where one is given."""
    await tx.execute("SELECT FROM accounts WHERE id = $1 FOR NO KEY UPDATE", account_id)
    if password_version is None:
        return
    current = await tx.fetchval("SELECT password_version FROM credentials WHERE account_id = $1", account_id)
    if current != password_version:
        raise WrongCredentials


async def take(conn: Connection, allowance: Allowance, subject: bytes, now: datetime) -> timedelta | None:
    """As `PostgresAllowances.take`. In a transaction, the try counts only if that is committed."""
    row = await conn.fetchrow(
        "INSERT INTO allowances AS a (kind, subject, taken, expires_at) VALUES ($1, $2, 1, $4)"
        " ON CONFLICT (kind, subject) DO UPDATE SET"
        " taken = CASE WHEN a.expires_at <= $3 THEN 1 ELSE a.taken + 1 END,"
        " expires_at = CASE WHEN a.expires_at <= $3 THEN $4 ELSE a.expires_at END"
        " RETURNING taken, expires_at",
        allowance.kind,
        subject,
        now,
        now + allowance.period,
    )
    assert row is not None
    wait: timedelta = row["expires_at"] - now
    return None if row["taken"] <= allowance.limit else wait
