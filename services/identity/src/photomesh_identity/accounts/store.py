"""Accounts in PostgreSQL, and the outbox beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from photomesh_identity.accounts.domain import Account, Age
from photomesh_identity.credentials.domain import email_key
from photomesh_identity.errors import AccountNotFound
from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.events import Envelope, Event
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction

if TYPE_CHECKING:
    import asyncpg

    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["COLUMNS", "PostgresAccounts", "account_of", "insert_account"]

COLUMNS = (
    "id, username, email, display_name, bio, private, avatar::text AS avatar, version, created_at, updated_at,"
    " email_verified_at, age, age_stated_at, status, wants_to_be_found"
)
"""What `account_of` needs."""


class PostgresAccounts:
    """Implements `service.AccountStore`. Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._reads = SingleFlight[Account | None]()

    async def find(self, account_id: int) -> Account | None:
        return await self._find("id", account_id)

    async def find_by_username(self, username: str) -> Account | None:
        return await self._find("username", username)

    async def ids_after(self, last: int, limit: int) -> list[int]:
        """The next accounts by id."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch("SELECT id FROM accounts WHERE id > $1 ORDER BY id LIMIT $2", last, limit)
        return [row["id"] for row in rows]

    async def page(self, after: int, limit: int) -> tuple[list[Account], int]:
        """The next accounts by id, and how many there are, roughly."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                f"SELECT {COLUMNS} FROM accounts WHERE id > $1 ORDER BY id LIMIT $2",  # noqa: S608
                after,
                limit,
            )
            total = await conn.fetchval("SELECT reltuples::bigint FROM pg_class WHERE oid = 'accounts'::regclass")
        return [account_of(row) for row in rows], max(total, len(rows))

    async def _find(self, column: Literal["id", "username"], value: int | str) -> Account | None:
        async def read() -> Account | None:
            async with connection(self._pool) as conn:
                row = await conn.fetchrow(f"SELECT {COLUMNS} FROM accounts WHERE {column} = $1", value)  # noqa: S608
            return account_of(row) if row else None

        return await self._reads.run((column, value), read)

    async def update(
        self,
        account_id: int,
        change: Callable[[Account], Account],
        event: Callable[[Account], Envelope[Event]],
    ) -> tuple[Account, Account]:
        async with transaction(self._pool) as tx:
            row = await tx.fetchrow(f"SELECT {COLUMNS} FROM accounts WHERE id = $1 FOR UPDATE", account_id)  # noqa: S608
            if row is None:
                raise AccountNotFound
            before = account_of(row)
            after = change(before)
            if after is not before:
                await tx.execute(
                    "UPDATE accounts SET display_name = $2, bio = $3, private = $4, avatar = $5::text::jsonb,"
                    " version = $6, updated_at = $7, age = $8, age_stated_at = $9, wants_to_be_found = $10"
                    " WHERE id = $1",
                    account_id,
                    after.display_name,
                    after.bio,
                    after.private,
                    json.dumps(dict(after.avatar)) if after.avatar else None,
                    after.version,
                    after.updated_at,
                    after.age,
                    after.age_stated_at,
                    after.wants_to_be_found,
                )
                await outbox.add(tx, event(after))
        return before, after


async def insert_account(tx: Connection, account: Account, password_hash: str) -> None:
    """Inserts a new account without an avatar. Raises asyncpg.UniqueViolationError for a username that is taken."""
    await tx.execute(
        "INSERT INTO accounts (id, username, email, email_key, display_name, bio, private, version, created_at,"
        " updated_at, age, age_stated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
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
        account.age,
        account.age_stated_at,
    )
    await tx.execute("INSERT INTO credentials VALUES ($1, $2)", account.id, password_hash)


def account_of(row: asyncpg.Record) -> Account:
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
        row["email_verified_at"] is not None,
        Age(row["age"]) if row["age"] else None,
        row["age_stated_at"],
        row["status"],
        row["wants_to_be_found"],
    )
