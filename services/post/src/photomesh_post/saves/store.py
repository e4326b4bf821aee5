"""Saved posts and collections in Cassandra."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence

from photomesh_post.saves import domain
from photomesh_post.saves.domain import ListPosition, ListTally, Membership
from photomesh_post.saves.projection import collection_of, membership_of
from photomesh_post.tables.rows import FINAL, RowWrite, bucket_of, by_month, month_at, month_of
from photomesh_post.tables.store import write_rows
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraSaves"]

_POSITIONS_PER_READ = 100
_NEWEST = ListPosition(FINAL, 0)
"""No position is as large."""


class CassandraSaves:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await write_rows(self._session, rows)

    async def memberships(self, list_id: int, post_ids: Collection[int]) -> dict[int, Membership]:
        """Of those posts that were ever in the list, by id; one read for each month that they are from."""
        found = await asyncio.gather(
            *(
                self._session.read(
                    "SELECT post_id, kept, version, removed FROM saves"
                    " WHERE list_id = ? AND month = ? AND post_id IN ?",
                    list_id,
                    month,
                    of_month,
                )
                for month, of_month in by_month(post_ids).items()
            )
        )
        return {row["post_id"]: membership_of(row) for rows in found for row in rows}

    async def memberships_of_post(self, list_ids: Collection[int], post_id: int) -> dict[int, Membership]:
        """In those lists that ever held the post, by the list's id."""
        rows = await self._session.execute(
            "SELECT list_id, kept, version, removed FROM saves WHERE list_id IN ? AND month = ? AND post_id = ?",
            sorted(list_ids),
            month_of(post_id),
            post_id,
        )
        return {row["list_id"]: membership_of(row) for row in rows}

    async def positions(self, list_id: int, *, before: ListPosition | None) -> AsyncGenerator[ListPosition, None]:
        """The positions that posts were put at, newest first, as long as the caller takes them; also those of posts
        that were removed since, or added again at another position."""
        last = before or _NEWEST
        months = await self._session.read(
            "SELECT month FROM months_by_list WHERE list_id = ? AND month <= ?", list_id, month_at(last.version)
        )
        for month in (row["month"] for row in months):
            while True:
                rows = await self._session.read(
                    "SELECT version, post_id FROM saves_by_time"
                    " WHERE list_id = ? AND month = ? AND (version, post_id) < (?, ?) LIMIT ?",
                    list_id,
                    month,
                    last.version,
                    last.post_id,
                    _POSITIONS_PER_READ,
                )
                for row in rows:
                    last = ListPosition(row["version"], row["post_id"])
                    yield last
                if len(rows) < _POSITIONS_PER_READ:
                    break

    async def collections(self, account_id: int) -> list[domain.Collection]:
        """Newest first."""
        rows = await self._session.read("SELECT * FROM collections WHERE account_id = ?", account_id)
        return [found for row in rows if (found := collection_of(row))]

    async def collection(self, account_id: int, collection_id: int) -> domain.Collection | None:
        rows = await self._session.read(
            "SELECT * FROM collections WHERE account_id = ? AND collection_id = ?", account_id, collection_id
        )
        return collection_of(rows[0]) if rows else None

    # What ended

    async def lists_with(self, post_id: int, bucket: int, *, after: int) -> list[tuple[int, int]]:
        """The next lists of a bucket that hold a post, or held it, by id, each with its account."""
        rows = await self._session.execute(
            "SELECT list_id, account_id FROM lists_by_post WHERE post_id = ? AND bucket = ? AND list_id > ? LIMIT ?",
            post_id,
            bucket,
            after,
            _POSITIONS_PER_READ,
        )
        return [(row["list_id"], row["account_id"]) for row in rows]

    async def forget_lists_with(self, post_id: int, bucket: int) -> None:
        cql = "DELETE FROM lists_by_post USING TIMESTAMP ? WHERE post_id = ? AND bucket = ?"
        await self._session.execute(cql, FINAL, post_id, bucket)

    async def all_collection_ids(self, account_id: int) -> list[int]:
        """Also of those that are deleted."""
        cql = "SELECT collection_id FROM collections WHERE account_id = ?"
        return [row["collection_id"] for row in await self._session.execute(cql, account_id)]

    async def forget_list(self, list_id: int) -> None:
        """Removes a list that ended. Nothing that arrives later is stored."""
        rows = await self._session.execute("SELECT month FROM months_by_list WHERE list_id = ?", list_id)
        post_months: set[int] = set()
        for month in (row["month"] for row in rows):
            cql = "SELECT post_id FROM saves_by_time WHERE list_id = ? AND month = ?"
            async for row in self._session.rows(cql, list_id, month):
                post_id = row["post_id"]
                post_months.add(month_of(post_id))
                cql = "DELETE FROM lists_by_post USING TIMESTAMP ? WHERE post_id = ? AND bucket = ? AND list_id = ?"
                await self._session.execute(cql, FINAL, post_id, bucket_of(list_id), list_id)
        for table, months in (("saves", post_months), ("saves_by_time", {row["month"] for row in rows})):
            for month in months:
                cql = f"DELETE FROM {table} USING TIMESTAMP ? WHERE list_id = ? AND month = ?"  # noqa: S608 - our name
                await self._session.execute(cql, FINAL, list_id, month)
        await self._session.execute("DELETE FROM months_by_list USING TIMESTAMP ? WHERE list_id = ?", FINAL, list_id)

    async def forget_collections(self, account_id: int) -> None:
        """Removes an account's collections, all of whose lists are gone. Nothing that arrives later is stored."""
        cql = "DELETE FROM collections USING TIMESTAMP ? WHERE account_id = ?"
        await self._session.execute(cql, FINAL, account_id)

    # Tallies: which posts of collections are counted

    async def tally(self, collection_id: int, post_id: int) -> ListTally:
        """Of a post that was ever in the collection; empty if one of the two ended for good."""
        rows = await self._session.execute(
            "SELECT * FROM saves WHERE list_id = ? AND month = ? AND post_id = ?",
            collection_id,
            month_of(post_id),
            post_id,
        )
        if not rows:
            return ListTally()
        [row] = rows
        return ListTally(
            count=row["count"] or 0,
            revision=row["revision"] or 0,
            membership=membership_of(row),
            counted=bool(row["counted"]),
            counted_version=row["counted_version"] or 0,
        )

    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool:
        """Writes a tally in place of the one that was read; returns False if another writer was first."""
        partition = (collection_id, month_of(post_id))
        answer = await self._session.execute(
            "BEGIN BATCH"
            " UPDATE saves SET count = ?, revision = ? WHERE list_id = ? AND month = ? IF revision = ?;"
            " UPDATE saves SET counted = ?, counted_version = ? WHERE list_id = ? AND month = ? AND post_id = ?"
            " IF counted_version = ?;"
            " APPLY BATCH",
            counted.count,
            counted.revision,
            *partition,
            read.revision or None,
            counted.counted,
            counted.counted_version,
            *partition,
            post_id,
            read.counted_version or None,
        )
        return bool(answer[0]["[applied]"])

    async def publish_count(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None:
        """Copies a tally's count to where it is read. Idempotent."""
        await self._session.execute(
            "UPDATE collections USING TIMESTAMP ? SET posts[?] = ? WHERE account_id = ? AND collection_id = ?",
            tally.revision,
            month_of(post_id),
            tally.count,
            account_id,
            collection_id,
        )
