"""Usernames in PostgreSQL: change them, and hold those that were given up.

A name that an account gives up can be taken by nobody else for a while: a person who follows an old link or mention
must not find somebody who waited for the name.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import asyncpg

from photomesh_identity.accounts.domain import Account
from photomesh_identity.accounts.events import account_updated
from photomesh_identity.accounts.store import COLUMNS, account_of
from photomesh_identity.credentials.confirmation import Allowance
from photomesh_identity.credentials.store import take
from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.errors import AccountNotFound, TooManyTries, UsernameTaken
from photomesh_identity.mail.domain import MailTemplate, moment
from photomesh_identity.mail.store import queue_mail
from photomesh_shared.clock import Clock
from photomesh_shared.events.versions import next_version
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import transaction

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["HELD", "PostgresUsernames", "hold_username", "require_not_held"]

HELD = timedelta(days=30)
_CHANGES = Allowance("username", limit=3, period=timedelta(days=30))
_PURPOSE = "username"
_PRUNED = 100


class PostgresUsernames:
    """Implements `accounts.service.UsernameStore`."""

    def __init__(self, pool: Pool, keyed_hash: KeyedHash, clock: Clock, *, cdn_url: str) -> None:
        self._pool = pool
        self._keyed_hash = keyed_hash
        self._clock = clock
        self._cdn_url = cdn_url

    async def change_username(self, account_id: int, username: str) -> Account:
        now = self._clock.now()
        try:
            async with transaction(self._pool) as tx:
                row = await tx.fetchrow(f"SELECT {COLUMNS} FROM accounts WHERE id = $1 FOR UPDATE", account_id)  # noqa: S608
                if row is None:
                    raise AccountNotFound
                before = account_of(row)
                if before.username == username:
                    return before
                if wait := await take(tx, _CHANGES, account_id.to_bytes(8), now):
                    raise TooManyTries(wait.total_seconds())
                after = replace(before, username=username, version=next_version(before.version, now), updated_at=now)
                await hold_username(tx, self._keyed_hash, before.username, account_id, now + HELD)
                await tx.execute(
                    "UPDATE accounts SET username = $2, version = $3, updated_at = $4 WHERE id = $1",
                    account_id,
                    username,
                    after.version,
                    now,
                )
                await require_not_held(tx, self._keyed_hash, username, account_id, now)
                await outbox.add(tx, account_updated(after, self._cdn_url))
                notice = {"when": moment(now), "before": before.username}
                await queue_mail(tx, account_id, MailTemplate.USERNAME_CHANGED, notice, now)
        except asyncpg.UniqueViolationError as error:
            if error.constraint_name != "accounts_username":
                raise
            raise UsernameTaken from error
        return after


async def hold_username(tx: Connection, keyed_hash: KeyedHash, username: str, account_id: int, until: datetime) -> None:
    """Keeps a name that an account gives up from everybody else, in the transaction in which it gives it up."""
    await tx.execute(
        "INSERT INTO held_usernames (name_hash, account_id, until) VALUES ($1, $2, $3)"
        " ON CONFLICT (name_hash) DO UPDATE SET account_id = $2, until = $3",
        keyed_hash.current(_PURPOSE, username),
        account_id,
        until,
    )


async def require_not_held(
    tx: Connection, keyed_hash: KeyedHash, username: str, account_id: int, now: datetime
) -> None:
    """Raises UsernameTaken if the name is held for another account. In the transaction that takes the name, after that:
    by then, the account that gave it up has committed."""
    await tx.execute(
        "DELETE FROM held_usernames WHERE name_hash IN"
        " (SELECT name_hash FROM held_usernames WHERE until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        now,
        _PRUNED,
    )
    held = await tx.fetchval(
        "SELECT EXISTS (SELECT FROM held_usernames WHERE name_hash = ANY($1) AND account_id <> $2 AND until > $3)",
        keyed_hash.all(_PURPOSE, username),
        account_id,
        now,
    )
    if held:
        raise UsernameTaken
