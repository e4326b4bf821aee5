"""Sessions and refresh tokens in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from photomesh_identity.accounts.store import COLUMNS, account_of
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.sessions.domain import RefreshToken, Session
from photomesh_identity.sessions.service import Login
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresSessions", "insert_session", "revoke_sessions"]


class PostgresSessions:
    """Implements `service.SessionStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def find_login_by_username(self, username: str) -> Login | None:
        return await self._find_login("username", username)

    async def find_login_by_email(self, email: str) -> Login | None:
        """The account that has proved the address; while none has, the first that stated it."""
        return await self._find_login("email_key", email_key(email))

    async def _find_login(self, column: Literal["username", "email_key"], value: str) -> Login | None:
        async with connection(self._pool) as conn:
            row = await conn.fetchrow(
                f"SELECT {COLUMNS}, password_hash FROM accounts JOIN credentials ON account_id = id"  # noqa: S608
                f" WHERE {column} = $1 ORDER BY email_verified_at IS NULL, id LIMIT 1",
                value,
            )
        return Login(account_of(row), row["password_hash"]) if row else None

    async def replace_password_hash(self, account_id: int, old: str, new: str) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "UPDATE credentials SET password_hash = $3 WHERE account_id = $1 AND password_hash = $2",
                account_id,
                old,
                new,
            )

    async def add(self, session: Session, token: bytes) -> None:
        async with transaction(self._pool) as tx:
            await tx.execute(
                "DELETE FROM sessions WHERE account_id = $1 AND expires_at < $2",
                session.account_id,
                session.created_at,
            )
            await insert_session(tx, session, token)

    @asynccontextmanager
    async def locked_family(self, token: bytes) -> AsyncIterator[PostgresTokenFamily | None]:
        async with transaction(self._pool) as tx:
            # The token is read by a second statement, so that it is seen as the previous holder of the lock left it.
            row = await tx.fetchrow(
                "SELECT id, account_id, created_at, expires_at, ends_at, revoked_at FROM sessions"
                " WHERE id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1) FOR UPDATE",
                token,
            )
            held = row and await tx.fetchrow(
                "SELECT token_hash, session_id, rotated_at, successor_salt FROM refresh_tokens WHERE token_hash = $1",
                token,
            )
            if not row or not held:
                yield None
            else:
                yield PostgresTokenFamily(tx, Session(**row), RefreshToken(*held))

    async def revoke(self, session_id: int, now: datetime) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", session_id, now
            )


@dataclass(frozen=True)
class PostgresTokenFamily:
    """Implements `service.TokenFamily` within one transaction."""

    _tx: Connection
    session: Session
    token: RefreshToken

    async def rotate(self, session: Session, *, salt: bytes, successor_hash: bytes, now: datetime) -> None:
        await self._tx.execute(
            "UPDATE refresh_tokens SET successor_salt = NULL WHERE session_id = $1 AND successor_salt IS NOT NULL",
            session.id,
        )
        await self._tx.execute(
            "UPDATE refresh_tokens SET rotated_at = $2, successor_salt = $3 WHERE token_hash = $1",
            self.token.hash,
            now,
            salt,
        )
        await self._tx.execute(
            "INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, $3)",
            successor_hash,
            session.id,
            now,
        )
        await self._tx.execute("UPDATE sessions SET expires_at = $2 WHERE id = $1", session.id, session.expires_at)

    async def revoke(self, now: datetime) -> None:
        await self._tx.execute("UPDATE sessions SET revoked_at = $2 WHERE id = $1", self.session.id, now)


async def revoke_sessions(tx: Connection, account_id: int, now: datetime, *, keep: int | None = None) -> None:
    """Ends the sessions of an account, all or all but one."""
    await tx.execute(
        "UPDATE sessions SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $3",
        account_id,
        now,
        keep,
    )


async def insert_session(tx: Connection, session: Session, token: bytes) -> None:
    """Inserts a session and its first refresh token."""
    await tx.execute(
        "INSERT INTO sessions (id, account_id, created_at, expires_at, ends_at, revoked_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        session.id,
        session.account_id,
        session.created_at,
        session.expires_at,
        session.ends_at,
        session.revoked_at,
    )
    await tx.execute(
        "INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, $3)",
        token,
        session.id,
        session.created_at,
    )
