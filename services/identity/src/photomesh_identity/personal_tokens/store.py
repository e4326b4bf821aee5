"""Personal access tokens in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_identity.credentials.store import lock_credentials
from photomesh_identity.errors import SessionEnded, TooManyTokens
from photomesh_identity.mail.domain import MailTemplate
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.personal_tokens.domain import MAX_TOKENS, PersonalToken
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresPersonalTokens"]

_COLUMNS = "id, account_id, name, scopes, created_at, expires_at, used_at"


class PostgresPersonalTokens:
    """Implements `service.PersonalTokenStore`. Every method raises DatabaseUnavailable when the server does not
    answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, token: PersonalToken, hashed: bytes, session_id: int) -> None:
        async with transaction(self._pool) as tx:
            await lock_credentials(tx, token.account_id)
            if not await tx.fetchval("SELECT revoked_at IS NULL FROM sessions WHERE id = $1", session_id):
                raise SessionEnded
            await tx.execute(
                "DELETE FROM personal_tokens WHERE account_id = $1 AND expires_at <= $2",
                token.account_id,
                token.created_at,
            )
            count = await tx.fetchval("SELECT count(*) FROM personal_tokens WHERE account_id = $1", token.account_id)
            if count >= MAX_TOKENS:
                raise TooManyTokens(limit=MAX_TOKENS)
            await tx.execute(
                "INSERT INTO personal_tokens (id, account_id, token_hash, name, scopes, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                token.id,
                token.account_id,
                hashed,
                token.name,
                sorted(token.scopes),
                token.created_at,
                token.expires_at,
            )
            parameters = {"when": f"{token.created_at:%Y-%m-%d %H:%M} UTC", "token": token.name}
            await queue_mail(tx, token.account_id, MailTemplate.TOKEN_MADE, parameters, token.created_at)

    async def list_of(self, account_id: int, now: datetime) -> list[PersonalToken]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT {_COLUMNS} FROM personal_tokens"  # noqa: S608
                " WHERE account_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id",
                account_id,
                now,
            )
        return list(map(_token_of, rows))

    async def remove(self, account_id: int, token_id: int) -> bool:
        async with connection(self._pool) as conn:
            removed = await conn.fetchval(
                "DELETE FROM personal_tokens WHERE account_id = $1 AND id = $2 RETURNING true", account_id, token_id
            )
        return bool(removed)

    async def use(self, hashed: bytes, now: datetime) -> PersonalToken | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                f"SELECT {_COLUMNS} FROM personal_tokens t WHERE token_hash = $1 AND expires_at > $2"  # noqa: S608
                " AND EXISTS (SELECT FROM accounts WHERE id = t.account_id AND status = 'active')",
                hashed,
                now,
            )
            if row is None:
                return None
            hour = now.replace(minute=0, second=0, microsecond=0)
            if row["used_at"] is None or row["used_at"] < hour:
                await conn.execute("UPDATE personal_tokens SET used_at = $2 WHERE id = $1", row["id"], hour)
        return _token_of(row)


def _token_of(row: asyncpg.Record) -> PersonalToken:
    return PersonalToken(
        row["id"],
        row["account_id"],
        row["name"],
        frozenset(row["scopes"]),
        row["created_at"],
        row["expires_at"],
        row["used_at"],
    )
