"""Copied counts in Cassandra: one row for each subject.

Each cell is written with the revision of its partition as timestamp, so the newest wins in any order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable

from photomesh_post.counts.domain import Counts, PartitionCount, PartitionRef
from photomesh_post.tables.rows import FINAL
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraCounts"]

_LIKES = "UPDATE counts USING TIMESTAMP ? SET likes[?] = ? WHERE subject_id = ?"
_COMMENTS = "UPDATE counts USING TIMESTAMP ? SET comments[?] = ? WHERE subject_id = ?"


class CassandraCounts:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def counts(self, subject_ids: Collection[int]) -> dict[int, Counts]:
        """Of those subjects that were ever counted, by id."""
        rows = await self._session.read("SELECT * FROM counts WHERE subject_id IN ?", tuple(sorted(subject_ids)))
        return {
            row["subject_id"]: Counts(row["likes"] or {}, row["comments"] or {}, row["version"] or 0) for row in rows
        }

    async def publish_like_counts(self, counts: Iterable[PartitionCount]) -> None:
        """Copies the counts of buckets to where they are read. Idempotent."""
        await self._publish(_LIKES, counts)

    async def publish_comment_counts(self, counts: Iterable[PartitionCount]) -> None:
        """Copies the counts of months to where they are read. Idempotent."""
        await self._publish(_COMMENTS, counts)

    async def _publish(self, update: str, counts: Iterable[PartitionCount]) -> None:
        values: defaultdict[int, list[int]] = defaultdict(list)
        for count in counts:
            values[count.ref.subject_id] += [count.revision, count.ref.number, count.count, count.ref.subject_id]
        await asyncio.gather(*(self._publish_of_subject(update, of_subject) for of_subject in values.values()))

    async def _publish_of_subject(self, update: str, values: list[int]) -> None:
        """All of it is one row. A single statement is routed to a replica, which the driver cannot do with a batch."""
        updates = [update] * (len(values) // update.count("?"))
        cql = update if len(updates) == 1 else f"BEGIN UNLOGGED BATCH {'; '.join(updates)}; APPLY BATCH"
        await self._session.execute(cql, *values)

    async def set_version(self, subject_id: int, version: int) -> None:
        """Stores the version of the counts that are published next."""
        await self._session.execute(
            "UPDATE counts USING TIMESTAMP ? SET version = ? WHERE subject_id = ?", version, version, subject_id
        )

    async def forget(self, subject_id: int) -> None:
        """Removes the counts of a subject that ended. Nothing that arrives later is stored."""
        await self._session.execute("DELETE FROM counts USING TIMESTAMP ? WHERE subject_id = ?", FINAL, subject_id)

    async def counted_buckets(self) -> AsyncGenerator[PartitionRef, None]:
        """All buckets of all subjects with a copied count of likes above 0."""
        async for row in self._session.rows("SELECT subject_id, likes FROM counts"):
            for number, count in (row["likes"] or {}).items():
                if count:
                    yield PartitionRef(row["subject_id"], number)
