"""Accounts and relations in Cassandra."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from photomesh_post.accounts.avatars import StoredAvatar
from photomesh_post.accounts.domain import Author, Standing
from photomesh_post.accounts.projection import author_of, standing_of
from photomesh_post.accounts.reconciliation import VersionedFlag
from photomesh_post.tables.rows import FINAL, RowWrite
from photomesh_post.tables.store import PARTITIONS_PER_STATEMENT, read_by_id, write_rows
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraAccounts"]

_ROWS_PER_READ = 100


class CassandraAccounts:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._authors = BatchLoader(self._read_authors, max_batch=PARTITIONS_PER_STATEMENT)
        self._standings = BatchLoader(self._read_standings, max_batch=PARTITIONS_PER_STATEMENT)

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await write_rows(self._session, rows)

    async def forget(self, account_id: int) -> int:
        """Removes what is stored of an account, and its relations from both sides as far as it has them: whom it
        follows, and blocks. Nothing that arrives later is stored. Returns how many relations there were."""
        cql = "SELECT other_id FROM relations WHERE account_id = ?"
        others = [row["other_id"] async for row in self._session.rows(cql, account_id)]
        for other_id in others:
            cql = "DELETE FROM relations USING TIMESTAMP ? WHERE account_id = ? AND other_id = ?"
            await self._session.execute(cql, FINAL, other_id, account_id)
        await self._session.execute("DELETE FROM relations USING TIMESTAMP ? WHERE account_id = ?", FINAL, account_id)
        cql = "SELECT username FROM usernames_by_account WHERE user_id = ?"
        for row in await self._session.execute(cql, account_id):
            cql = "DELETE FROM accounts_by_username USING TIMESTAMP ? WHERE username = ? AND user_id = ?"
            await self._session.execute(cql, FINAL, row["username"], account_id)
        for table in ("usernames_by_account", "accounts"):
            cql = f"DELETE FROM {table} USING TIMESTAMP ? WHERE user_id = ?"  # noqa: S608 - a name of our own
            await self._session.execute(cql, FINAL, account_id)
        return len(others)

    async def author(self, account_id: int) -> Author:
        return await self._authors.load(account_id) or author_of(account_id, None)

    async def _read_authors(self, account_ids: Sequence[int]) -> dict[int, Author]:
        rows = await read_by_id(self._session, "SELECT * FROM accounts WHERE user_id IN ?", account_ids)
        return {row["user_id"]: author_of(row["user_id"], row) for row in rows}

    async def avatar(self, account_id: int) -> StoredAvatar | None:
        """None if the account is not known."""
        cql = "SELECT avatar_url, WRITETIME(username) AS version FROM accounts WHERE user_id = ?"
        rows = await self._session.execute(cql, account_id)
        return StoredAvatar(rows[0]["avatar_url"], rows[0]["version"]) if rows else None

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        """Those of the accounts that are known, by id."""
        cql = "SELECT * FROM accounts WHERE user_id IN ?"
        found = await asyncio.gather(*(self._session.read(cql, some) for some in _batches(account_ids)))
        return {row["user_id"]: author_of(row["user_id"], row) for rows in found for row in rows}

    async def versioned_authors(self, account_ids: Collection[int]) -> dict[int, tuple[Author, int]]:
        """Those of the accounts that are known, with their versions, by id."""
        found: dict[int, tuple[Author, int]] = {}
        for some in _batches(account_ids):
            cql = (
                "SELECT user_id, username, display_name, avatar_url, private, status, mentionable_by,"
                " WRITETIME(private) AS version FROM accounts WHERE user_id IN ?"
            )
            for row in await self._session.execute(cql, some):
                if row["version"]:
                    found[row["user_id"]] = author_of(row["user_id"], row), row["version"]
        return found

    async def relation_flags(
        self, account_id: int, other_ids: Collection[int]
    ) -> dict[int, tuple[VersionedFlag, VersionedFlag]]:
        cql = (
            "SELECT other_id, follows, WRITETIME(follows) AS followed, blocks, WRITETIME(blocks) AS blocked"
            " FROM relations WHERE account_id = ? AND other_id IN ?"
        )
        return {
            row["other_id"]: (_flag(row["follows"], row["followed"]), _flag(row["blocks"], row["blocked"]))
            for some in _batches(other_ids)
            for row in await self._session.execute(cql, account_id, some)
        }

    async def blocked_by_flags(self, account_id: int, other_ids: Collection[int]) -> dict[int, VersionedFlag]:
        cql = (
            "SELECT account_id, blocked_by, WRITETIME(blocked_by) AS blocked FROM relations"
            " WHERE account_id IN ? AND other_id = ?"
        )
        return {
            row["account_id"]: _flag(row["blocked_by"], row["blocked"])
            for some in _batches(other_ids)
            for row in await self._session.execute(cql, some, account_id)
        }

    async def accounts_named(self, usernames: Collection[str]) -> dict[str, Author]:
        """The accounts that have these usernames, by username."""
        if not usernames:
            return {}
        cql = "SELECT user_id FROM accounts_by_username WHERE username IN ?"
        rows = await self._session.read(cql, tuple(sorted(usernames)))
        # The table keeps former usernames as well.
        authors = await self.authors({row["user_id"] for row in rows})
        return {
            name: author
            for author in authors.values()
            if (name := author.username) and name in usernames and not author.hidden
        }

    async def standing(self, viewer_id: int, account_id: int) -> Standing:
        return await self._standings.load((account_id, viewer_id)) or standing_of(None)

    async def standings(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Standing]:
        """The viewer's standing with those of the accounts with which there is any relation, by id."""
        cql = "SELECT other_id, follows, blocks, blocked_by FROM relations WHERE account_id = ? AND other_id IN ?"
        found = await asyncio.gather(*(self._session.read(cql, viewer_id, some) for some in _batches(account_ids)))
        return {row["other_id"]: standing_of(row) for rows in found for row in rows}

    async def _read_standings(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Standing]:
        """By account and viewer. Asks for each viewer with each account."""
        rows = await self._session.execute(
            "SELECT account_id, other_id, follows, blocks, blocked_by FROM relations"
            " WHERE account_id IN ? AND other_id IN ?",
            sorted({viewer_id for _, viewer_id in keys}),
            sorted({account_id for account_id, _ in keys}),
        )
        return {(row["other_id"], row["account_id"]): standing_of(row) for row in rows}

    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]:
        rows = await self._session.read(
            "SELECT other_id, blocks, blocked_by FROM relations WHERE account_id = ? AND other_id IN ?",
            viewer_id,
            tuple(sorted(account_ids)),
        )
        return {row["other_id"] for row in rows if standing_of(row).blocked}


def _batches(ids: Collection[int]) -> list[tuple[int, ...]]:
    ordered = sorted(ids)
    return [tuple(ordered[i : i + _ROWS_PER_READ]) for i in range(0, len(ordered), _ROWS_PER_READ)]


def _flag(value: bool | None, version: int | None) -> VersionedFlag:
    return VersionedFlag(bool(value), version or 0)
