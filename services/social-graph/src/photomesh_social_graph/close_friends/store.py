"""Lists of close friends in PostgreSQL, and the outbox beside them.

Every change holds the owner's row of `accounts`, and an addition both, as changes of follows do: so of an addition and
the end of the follow that it needs, the later one sees the earlier.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.events import ACTIVE, Envelope, Event
from photomesh_shared.stores import outbox
from photomesh_shared.stores.postgres import connection, transaction
from photomesh_social_graph.close_friends.domain import Entry
from photomesh_social_graph.errors import AccountNotFound, AccountNotReady

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresCloseFriends", "end_entry"]

_STANDING = """
SELECT EXISTS (SELECT FROM follows_in WHERE followee_id = $1 AND follower_id = $2) AS follows,
       EXISTS (SELECT FROM blocks_in WHERE (blocked_id, blocker_id) IN (($1, $2), ($2, $1))) AS blocked,
       (SELECT count(*) FROM close_friends WHERE owner_id = $1 AND since IS NOT NULL) AS size
"""


async def end_entry(tx: Connection, owner_id: int, friend_id: int, now: datetime) -> None:
    """Takes an account off the other's list, if it is on it: its follow has ended. Both accounts are locked."""
    entry = await _entry(tx, owner_id, friend_id)
    entry.end(now)
    await _save(tx, entry)


async def _entry(tx: Connection, owner_id: int, friend_id: int) -> Entry:
    row = await tx.fetchrow(
        "SELECT version, since FROM close_friends WHERE owner_id = $1 AND friend_id = $2", owner_id, friend_id
    )
    return Entry(owner_id, friend_id, *(row or (0, None)))


async def _save(tx: Connection, entry: Entry) -> None:
    if not entry.events:
        return
    await tx.execute(
        "INSERT INTO close_friends (owner_id, friend_id, version, since) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (owner_id, friend_id) DO UPDATE SET version = EXCLUDED.version, since = EXCLUDED.since",
        entry.owner_id,
        entry.friend_id,
        entry.version,
        entry.since,
    )
    for event in entry.events:
        await outbox.add(tx, event)


class PostgresCloseFriends:
    """Every method raises DatabaseUnavailable when the server does not answer."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def add(self, owner_id: int, friend_id: int, now: datetime) -> list[Envelope[Event]]:
        """Raises AccountNotReady for an unknown owner, and as `Entry.add`."""
        async with transaction(self._pool) as tx:
            statuses = await _locked(tx, owner_id, friend_id)
            if owner_id not in statuses:
                raise AccountNotReady
            if friend_id not in statuses:
                raise AccountNotFound
            standing = await tx.fetchrow(_STANDING, owner_id, friend_id)
            assert standing is not None
            entry = await _entry(tx, owner_id, friend_id)
            absent = standing["blocked"] or any(status != ACTIVE for status in statuses.values())
            entry.add(now, absent=absent, follows=standing["follows"], size=standing["size"])
            await _save(tx, entry)
        return entry.events

    async def remove(self, owner_id: int, friend_id: int, now: datetime) -> list[Envelope[Event]]:
        """Raises AccountNotReady for an unknown owner."""
        async with transaction(self._pool) as tx:
            if owner_id not in await _locked(tx, owner_id, friend_id):
                raise AccountNotReady
            entry = await _entry(tx, owner_id, friend_id)
            entry.end(now)
            await _save(tx, entry)
        return entry.events

    async def restate(self, owner_id: int, friend_id: int, now: datetime, published: int = 0) -> bool:
        """Publishes once more what the list says of an account, above a version that was published. Returns whether the
        account is on it."""
        async with transaction(self._pool) as tx:
            await _locked(tx, owner_id, friend_id)
            entry = await _entry(tx, owner_id, friend_id)
            entry.restate(now, published)
            await _save(tx, entry)
        return entry.since is not None

    async def after(self, last: tuple[int, int], limit: int) -> list[tuple[int, int]]:
        """The next (owner, friend), over all lists."""
        async with connection(self._pool) as conn:
            rows = await conn.fetch(
                "SELECT owner_id, friend_id FROM close_friends WHERE (owner_id, friend_id) > ($1, $2)"
                " AND since IS NOT NULL ORDER BY owner_id, friend_id LIMIT $3",
                *last,
                limit,
            )
        return [(row["owner_id"], row["friend_id"]) for row in rows]

    async def erase(self, account_id: int) -> int:
        """Deletes the account's list, and what other lists said of it; returns how many rows. Idempotent."""
        async with transaction(self._pool) as tx:
            done = [
                await tx.execute(f"DELETE FROM close_friends WHERE {end} = $1", account_id)  # noqa: S608 — constant names
                for end in ("owner_id", "friend_id")
            ]
        return sum(int(text.rpartition(" ")[2]) for text in done)


async def _locked(tx: Connection, owner_id: int, friend_id: int) -> dict[int, str]:
    """The statuses of those of the two accounts that are known, locked in the order of their ids."""
    rows = await tx.fetch(
        "SELECT id, status FROM accounts WHERE id = ANY($1) ORDER BY id FOR UPDATE", [owner_id, friend_id]
    )
    return {row["id"]: row["status"] for row in rows}
