"""Sessions and refresh tokens in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from photomesh_identity.accounts.store import COLUMNS, account_of
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.credentials.store import lock_credentials
from photomesh_identity.mail.domain import MailTemplate
from photomesh_identity.mail.store import queue_mail
from photomesh_identity.sessions.domain import Client, RefreshToken, Session
from photomesh_identity.sessions.service import Login
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresSessions", "insert_session", "revoke_sessions"]

_COLUMNS = (
    "id, account_id, created_at, expires_at, ends_at, revoked_at, client, network, used_at, refresh_tat, second_factor"
)
_SWEEP = 1_000  # rows in a transaction


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
                f"SELECT {COLUMNS}, password_hash, password_version FROM accounts JOIN credentials ON account_id = id"  # noqa: S608
                f" WHERE {column} = $1 ORDER BY email_verified_at IS NULL, id LIMIT 1",
                value,
            )
        return Login(account_of(row), row["password_hash"], row["password_version"]) if row else None

    async def replace_password_hash(self, account_id: int, old: str, new: str) -> None:
        async with connection(self._pool) as conn:
            await conn.execute(
                "UPDATE credentials SET password_hash = $3 WHERE account_id = $1 AND password_hash = $2",
                account_id,
                old,
                new,
            )

    async def add(
        self, session: Session, token: bytes, *, limit: int, notify: bool, password_version: int | None
    ) -> None:
        async with transaction(self._pool) as tx:
            # One log-in of an account at a time, or two could each leave room for one.
            await lock_credentials(tx, session.account_id, password_version)
            await tx.execute(
                "DELETE FROM sessions WHERE account_id = $1 AND expires_at < $2",
                session.account_id,
                session.created_at,
            )
            await _make_room(tx, session, limit)
            is_new = notify and not await _is_known(tx, session.account_id, session.client)
            await insert_session(tx, session, token)
            if is_new:
                when = f"{session.created_at:%Y-%m-%d %H:%M} UTC"
                parameters = {"when": when, "device": session.client.name or "an unknown device"}
                await queue_mail(tx, session.account_id, MailTemplate.NEW_LOGIN, parameters, session.created_at)

    async def has_used(self, account_id: int, network: str) -> bool:
        async with connection(self._pool) as conn:
            return bool(
                await conn.fetchval(
                    "SELECT EXISTS (SELECT FROM sessions WHERE account_id = $1 AND network = $2)", account_id, network
                )
            )

    async def list_open(self, account_id: int, now: datetime) -> list[Session]:
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT {_COLUMNS} FROM sessions"  # noqa: S608
                " WHERE account_id = $1 AND revoked_at IS NULL AND expires_at > $2"
                " ORDER BY coalesce(used_at, created_at) DESC, id",
                account_id,
                now,
            )
        return list(map(_session_of, rows))

    async def is_open(self, session_id: int, now: datetime) -> bool:
        async with connection(self._pool) as conn:
            return bool(
                await conn.fetchval(
                    "SELECT EXISTS (SELECT FROM sessions WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2)",
                    session_id,
                    now,
                )
            )

    async def revoke_own(self, account_id: int, session_id: int, now: datetime) -> bool:
        async with connection(self._pool) as conn:
            ended = await conn.fetchval(
                "UPDATE sessions SET revoked_at = $3"
                " WHERE id = $2 AND account_id = $1 AND revoked_at IS NULL AND expires_at > $3 RETURNING true",
                account_id,
                session_id,
                now,
            )
        return bool(ended)

    async def revoke_all(self, account_id: int, now: datetime, *, keep: int | None) -> None:
        async with transaction(self._pool) as tx:
            await revoke_sessions(tx, account_id, now, keep=keep)

    async def sweep(self, *, used_before: datetime, expired_before: datetime) -> int:
        async with connection(self._pool) as conn:
            deleted = await conn.fetch(
                "DELETE FROM sessions WHERE id IN"
                " (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
                expired_before,
                _SWEEP,
            )
            erased = await conn.fetch(
                "UPDATE sessions SET network = NULL WHERE id IN (SELECT id FROM sessions"
                " WHERE network IS NOT NULL AND used_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING id",
                used_before,
                _SWEEP,
            )
        return max(len(deleted), len(erased))

    @asynccontextmanager
    async def locked_family(self, token: bytes) -> AsyncIterator[PostgresTokenFamily | None]:
        async with transaction(self._pool) as tx:
            # The token is read by a second statement, so that it is seen as the previous holder of the lock left it.
            row = await tx.fetchrow(
                f"SELECT {_COLUMNS} FROM sessions"  # noqa: S608
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
                yield PostgresTokenFamily(tx, _session_of(row), RefreshToken(*held))

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
        await self._tx.execute(
            "UPDATE sessions SET expires_at = $2, client = $3, network = $4, used_at = $5, refresh_tat = $6"
            " WHERE id = $1",
            session.id,
            session.expires_at,
            session.client.name,
            session.client.network,
            session.used_at,
            session.refresh_tat,
        )

    async def revoke(self, now: datetime) -> None:
        await self._tx.execute("UPDATE sessions SET revoked_at = $2 WHERE id = $1", self.session.id, now)


async def insert_session(tx: Connection, session: Session, token: bytes) -> None:
    """Inserts a session and its first refresh token."""
    await tx.execute(
        "INSERT INTO sessions (id, account_id, created_at, expires_at, ends_at, revoked_at, client, network, used_at,"
        " second_factor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        session.id,
        session.account_id,
        session.created_at,
        session.expires_at,
        session.ends_at,
        session.revoked_at,
        session.client.name,
        session.client.network,
        session.used_at,
        session.second_factor,
    )
    await tx.execute(
        "INSERT INTO refresh_tokens (token_hash, session_id, created_at) VALUES ($1, $2, $3)",
        token,
        session.id,
        session.created_at,
    )


async def revoke_sessions(tx: Connection, account_id: int, now: datetime, *, keep: int | None = None) -> None:
    """Ends the sessions of an account, all or all but one, and the log-ins that wait for a second factor."""
    await tx.execute("DELETE FROM login_tickets WHERE account_id = $1", account_id)
    await tx.execute(
        "UPDATE sessions SET revoked_at = $2 WHERE account_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $3",
        account_id,
        now,
        keep,
    )


async def _make_room(tx: Connection, session: Session, limit: int) -> None:
    """Ends the sessions that were not used for the longest time, so that one more makes `limit` at most."""
    await tx.execute(
        "UPDATE sessions SET revoked_at = $2 WHERE id IN (SELECT id FROM sessions"
        " WHERE account_id = $1 AND revoked_at IS NULL ORDER BY coalesce(used_at, created_at) DESC OFFSET $3)",
        session.account_id,
        session.created_at,
        limit - 1,
    )


async def _is_known(tx: Connection, account_id: int, client: Client) -> bool:
    """Whether the account has used this client, and this network, before; each perhaps in another session."""
    known = await tx.fetchrow(
        "SELECT coalesce(bool_or(client = $2), false) AS client, coalesce(bool_or(network = $3), false) AS network"
        " FROM sessions WHERE account_id = $1",
        account_id,
        client.name,
        client.network,
    )
    return bool(known and known["client"] and (known["network"] or client.network is None))


def _session_of(row: asyncpg.Record) -> Session:
    return Session(
        row["id"],
        row["account_id"],
        row["created_at"],
        row["expires_at"],
        row["ends_at"],
        row["revoked_at"],
        Client(row["client"], row["network"]),
        row["used_at"],
        row["refresh_tat"],
        row["second_factor"],
    )
