"""PostgreSQL: accounts, sessions, signing keys, and the outbox beside them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import asyncpg

from photomesh_identity.credentials import email_key
from photomesh_identity.domain import Account, RefreshToken, Session
from photomesh_identity.errors import AccountNotFound, EmailTaken, UsernameTaken
from photomesh_identity.keys import SealedKey
from photomesh_identity.sessions import Login
from photomesh_shared import outbox
from photomesh_shared.events import Envelope, Event
from photomesh_shared.postgres import connection, transaction
from photomesh_shared.single_flight import SingleFlight

if TYPE_CHECKING:
    from photomesh_shared.postgres import Connection, Pool

__all__ = ["PostgresStore"]

_SIGNING_KEYS_LOCK = 7_042_101
_SELECT_ACCOUNT = (
    "SELECT id, username, email, display_name, bio, private, avatar::text AS avatar, version, created_at, updated_at"
    " FROM accounts"
)
_SELECT_LOGIN = (
    "SELECT id, username, email, display_name, bio, private, avatar::text AS avatar, version, created_at, updated_at,"
    " password_hash FROM accounts JOIN credentials ON account_id = id"
)


class PostgresStore:
    """Implements `service.AccountStore`, `sessions.SessionStore` and `keys.KeyStore`.

    Every method raises DatabaseUnavailable when the server is away.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reads = SingleFlight[Account | None]()

    async def ping(self) -> None:
        async with connection(self._pool) as session:
            await session.fetchval("SELECT 1")

    async def refuse_taken(self, username: str, email: str) -> None:
        async with connection(self._pool) as session:
            row = await session.fetchrow(
                "SELECT EXISTS (SELECT FROM accounts WHERE username = $1) AS username,"
                " EXISTS (SELECT FROM accounts WHERE email_key = $2) AS email",
                username,
                email_key(email),
            )
        assert row is not None
        if row["username"]:
            raise UsernameTaken
        if row["email"]:
            raise EmailTaken

    async def add_account(
        self, account: Account, password_hash: str, session: Session, token: bytes, event: Envelope[Event]
    ) -> None:
        try:
            async with transaction(self._pool) as tx:
                await tx.execute(
                    "INSERT INTO accounts (id, username, email, email_key, display_name, bio, private, version,"
                    " created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
                    account.id,
                    account.username,
                    account.email,
                    email_key(account.email),
                    account.display_name,
                    account.bio,
                    account.private,
                    account.version,
                    account.created_at,
                    account.updated_at,
                )
                await tx.execute("INSERT INTO credentials VALUES ($1, $2)", account.id, password_hash)
                await _insert_session(tx, session, token)
                await outbox.add(tx, event)
        except asyncpg.UniqueViolationError as error:
            taken = {"accounts_username": UsernameTaken, "accounts_email": EmailTaken}
            if (problem := taken.get(error.constraint_name or "")) is None:
                raise
            raise problem from error

    async def account(self, account_id: int) -> Account | None:
        return await self._find("id", account_id)

    async def account_named(self, username: str) -> Account | None:
        return await self._find("username", username)

    async def _find(self, column: Literal["id", "username"], value: int | str) -> Account | None:
        async def read() -> Account | None:
            async with connection(self._pool) as session:
                row = await session.fetchrow(f"{_SELECT_ACCOUNT} WHERE {column} = $1", value)
            return _account(row) if row else None

        return await self._reads.run((column, value), read)

    async def change_account(
        self,
        account_id: int,
        change: Callable[[Account], Account],
        event: Callable[[Account], Envelope[Event]],
    ) -> tuple[Account, Account]:
        async with transaction(self._pool) as tx:
            row = await tx.fetchrow(f"{_SELECT_ACCOUNT} WHERE id = $1 FOR UPDATE", account_id)
            if row is None:
                raise AccountNotFound
            before = _account(row)
            after = change(before)
            if after is not before:
                await tx.execute(
                    "UPDATE accounts SET display_name = $2, bio = $3, private = $4, avatar = $5::text::jsonb,"
                    " version = $6, updated_at = $7 WHERE id = $1",
                    account_id,
                    after.display_name,
                    after.bio,
                    after.private,
                    json.dumps(dict(after.avatar)) if after.avatar else None,
                    after.version,
                    after.updated_at,
                )
                await outbox.add(tx, event(after))
        return before, after

    async def login_by_username(self, username: str) -> Login | None:
        return await self._login("username", username)

    async def login_by_email(self, email: str) -> Login | None:
        return await self._login("email_key", email_key(email))

    async def _login(self, column: str, value: str) -> Login | None:
        async with connection(self._pool) as session:
            row = await session.fetchrow(f"{_SELECT_LOGIN} WHERE {column} = $1", value)
        return Login(_account(row), row["password_hash"]) if row else None

    async def replace_password_hash(self, account_id: int, old: str, new: str) -> None:
        async with connection(self._pool) as session:
            await session.execute(
                "UPDATE credentials SET password_hash = $3 WHERE account_id = $1 AND password_hash = $2",
                account_id,
                old,
                new,
            )

    async def add_session(self, session: Session, token: bytes) -> None:
        async with transaction(self._pool) as tx:
            await tx.execute(
                "DELETE FROM sessions WHERE account_id = $1 AND expires_at < $2",
                session.account_id,
                session.created_at,
            )
            await _insert_session(tx, session, token)

    @asynccontextmanager
    async def family(self, token: bytes) -> AsyncIterator[PostgresFamily | None]:
        async with transaction(self._pool) as tx:
            # The token is read in a second statement, so that it is seen as the holder of the lock before us left it.
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
                yield PostgresFamily(tx, Session(**row), RefreshToken(*held))

    async def revoke_session(self, session_id: int, now: datetime) -> None:
        async with connection(self._pool) as session:
            await session.execute(
                "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", session_id, now
            )

    async def signing_keys(self) -> list[SealedKey]:
        async with connection(self._pool) as session:
            return await _signing_keys(session)

    async def change_signing_keys(self, change: Callable[[list[SealedKey]], list[SealedKey]]) -> list[SealedKey]:
        """Replaces the keys by what `change` makes of them, one process at a time; the keys after it."""
        async with transaction(self._pool) as tx:
            await tx.execute("SELECT pg_advisory_xact_lock($1)", _SIGNING_KEYS_LOCK)
            before = await _signing_keys(tx)
            after = change(before)
            kept = {key.kid for key in after}
            await tx.execute("DELETE FROM signing_keys WHERE NOT kid = ANY($1)", list(kept))
            for key in after:
                if key not in before:
                    await tx.execute(
                        "INSERT INTO signing_keys VALUES ($1, $2::text::jsonb, $3, $4, $5)",
                        key.kid,
                        json.dumps(key.public_jwk),
                        key.sealed_private,
                        key.created_at,
                        key.active_from,
                    )
        return after


@dataclass(frozen=True)
class PostgresFamily:
    """Implements `sessions.Family`; lives as long as its transaction."""

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


async def _insert_session(tx: Connection, session: Session, token: bytes) -> None:
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


async def _signing_keys(session: Connection) -> list[SealedKey]:
    rows = await session.fetch(
        "SELECT kid, public_jwk::text, sealed_private, created_at, active_from FROM signing_keys ORDER BY active_from"
    )
    return [
        SealedKey(
            row["kid"], json.loads(row["public_jwk"]), row["sealed_private"], row["created_at"], row["active_from"]
        )
        for row in rows
    ]


def _account(row: asyncpg.Record) -> Account:
    avatar = row["avatar"] and {int(size): key for size, key in json.loads(row["avatar"]).items()}
    return Account(
        row["id"],
        row["username"],
        row["email"],
        row["display_name"],
        row["bio"],
        row["private"],
        avatar,
        row["version"],
        row["created_at"],
        row["updated_at"],
    )
