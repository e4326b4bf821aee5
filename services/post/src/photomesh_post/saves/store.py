"""What accounts keep, in Cassandra."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence

from photomesh_post.posts.projection import RowWrite, month_of
from photomesh_post.posts.store import write_row
from photomesh_post.saves import domain as lists
from photomesh_post.saves.domain import Kept, ListTally, Place, collection_of, kept_of, month_of_version
from photomesh_shared.cassandra import CassandraSession

__all__ = ["CassandraSaves"]

_PLACES_PER_READ = 100


class CassandraSaves:
    """See `photomesh_post.saves.event_log.Store`. Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await asyncio.gather(*(write_row(self._session, row) for row in rows))

    async def kept(self, list_id: int, post_ids: Collection[int]) -> dict[int, Kept]:
        months: defaultdict[int, list[int]] = defaultdict(list)
        for post_id in sorted(post_ids):
            months[month_of(post_id)].append(post_id)
        found = await asyncio.gather(
            *(
                self._session.read(
                    "SELECT post_id, kept, version, removed FROM saves"
                    " WHERE list_id = ? AND month = ? AND post_id IN ?",
                    list_id,
                    month,
                    tuple(those),
                )
                for month, those in months.items()
            )
        )
        return {row["post_id"]: kept_of(row) for rows in found for row in rows}

    async def kept_in(self, list_ids: Collection[int], post_id: int) -> dict[int, Kept]:
        rows = await self._session.execute(
            "SELECT list_id, kept, version, removed FROM saves WHERE list_id IN ? AND month = ? AND post_id = ?",
            sorted(list_ids),
            month_of(post_id),
            post_id,
        )
        return {row["list_id"]: kept_of(row) for row in rows}

    async def newest_in(self, list_id: int, *, before: Place | None) -> AsyncGenerator[Place, None]:
        """Where posts were put into a list before this, the newest first, as long as the caller takes them: also such
        as were taken out, or put in once more later."""
        last = before or Place(lists.LATEST, 0)
        months = await self._session.read(
            "SELECT month FROM months_by_list WHERE list_id = ? AND month <= ?", list_id, month_of_version(last.version)
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
                    _PLACES_PER_READ,
                )
                for row in rows:
                    last = Place(row["version"], row["post_id"])
                    yield last
                if len(rows) < _PLACES_PER_READ:
                    break

    async def collections(self, account_id: int) -> list[lists.Collection]:
        rows = await self._session.read("SELECT * FROM collections WHERE account_id = ?", account_id)
        return [found for row in rows if (found := collection_of(row))]

    async def collection(self, account_id: int, collection_id: int) -> lists.Collection | None:
        rows = await self._session.read(
            "SELECT * FROM collections WHERE account_id = ? AND collection_id = ?", account_id, collection_id
        )
        return collection_of(rows[0]) if rows else None

    # Which posts of collections are counted

    async def tally(self, collection_id: int, post_id: int) -> ListTally:
        """Of a post that the collection has a row of."""
        [row] = await self._session.execute(
            "SELECT * FROM saves WHERE list_id = ? AND month = ? AND post_id = ?",
            collection_id,
            month_of(post_id),
            post_id,
        )
        return ListTally(
            count=row["count"] or 0,
            revision=row["revision"] or 0,
            said=kept_of(row),
            counted=bool(row["counted"]),
            counted_version=row["counted_version"] or 0,
        )

    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool:
        """Writes a tally in the place of the one that was read; False if it is no longer that one."""
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

    async def show_tally(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None:
        """Writes a tally's count to the one that is shown."""
        await self._session.execute(
            "UPDATE collections USING TIMESTAMP ? SET posts[?] = ? WHERE account_id = ? AND collection_id = ?",
            tally.revision,
            month_of(post_id),
            tally.count,
            account_id,
            collection_id,
        )
