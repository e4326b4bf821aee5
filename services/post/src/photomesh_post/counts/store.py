"""Copied counts in Cassandra: one row for each subject.

Each cell is written with the revision of its partition as timestamp, so the newest wins in any order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterable, Sequence
from functools import partial

from photomesh_post.counts.domain import Counts, PartitionCount, PartitionRef
from photomesh_post.tables.rows import FINAL, Row
from photomesh_post.tables.store import PARTITIONS_PER_STATEMENT, read_by_id, write_batch
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraCounts"]

_COUNTS = "SELECT * FROM counts WHERE subject_id IN ?"
_LIKES = "UPDATE counts USING TIMESTAMP ? SET likes[?] = ? WHERE subject_id = ?"
_COMMENTS = "UPDATE counts USING TIMESTAMP ? SET comments[?] = ? WHERE subject_id = ?"
_VERSION = "UPDATE counts USING TIMESTAMP ? SET version = ? WHERE subject_id = ?"
_FEW = 2
"""Counts of one subject that share a statement with those of others."""

Update = tuple[int, ...]


class CassandraCounts:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        # What is read and written of several subjects at the same time.
        self._reads = BatchLoader(self._read, max_batch=PARTITIONS_PER_STATEMENT)
        self._writes = {
            cql: BatchLoader(partial(self._write, cql), max_batch=PARTITIONS_PER_STATEMENT)
            for cql in (_LIKES, _COMMENTS, _VERSION)
        }

    async def counts(self, subject_ids: Collection[int]) -> dict[int, Counts]:
        """Of those subjects that were ever counted, by id."""
        if len(subject_ids) == 1:
            [subject_id] = subject_ids
            counts = await self._reads.load(subject_id)
            return {subject_id: counts} if counts else {}
        return _counts_of(await self._session.read(_COUNTS, tuple(sorted(subject_ids))))

    async def _read(self, subject_ids: Sequence[int]) -> dict[int, Counts]:
        return _counts_of(await read_by_id(self._session, _COUNTS, subject_ids))

    async def publish_like_counts(self, counts: Iterable[PartitionCount]) -> None:
        """Copies the counts of buckets to where they are read. Idempotent."""
        await self._publish(_LIKES, counts)

    async def publish_comment_counts(self, counts: Iterable[PartitionCount]) -> None:
        """Copies the counts of months to where they are read. Idempotent."""
        await self._publish(_COMMENTS, counts)

    async def _publish(self, update: str, counts: Iterable[PartitionCount]) -> None:
        updates: defaultdict[int, list[Update]] = defaultdict(list)
        for count in counts:
            ref = count.ref
            updates[ref.subject_id].append((count.revision, ref.number, count.count, ref.subject_id))
        await asyncio.gather(*(self._publish_of_subject(update, of_subject) for of_subject in updates.values()))

    async def _publish_of_subject(self, update: str, values: list[Update]) -> None:
        if len(values) > _FEW:
            await write_batch(self._session, update, values)
        else:
            await self._writes[update].load(tuple(values))

    async def set_version(self, subject_id: int, version: int) -> None:
        """Stores the version of the counts that are published next."""
        await self._writes[_VERSION].load(((version, version, subject_id),))

    async def _write(self, cql: str, subjects: Sequence[tuple[Update, ...]]) -> dict[tuple[Update, ...], None]:
        await write_batch(self._session, cql, [update for updates in subjects for update in updates])
        return {}

    async def forget(self, subject_id: int) -> None:
        """Removes the counts of a subject that ended. Nothing that arrives later is stored."""
        await self._session.execute("DELETE FROM counts USING TIMESTAMP ? WHERE subject_id = ?", FINAL, subject_id)

    async def counted_buckets(self) -> AsyncGenerator[PartitionRef, None]:
        """All buckets of all subjects with a copied count of likes above 0."""
        async for row in self._session.rows("SELECT subject_id, likes FROM counts"):
            for number, count in (row["likes"] or {}).items():
                if count:
                    yield PartitionRef(row["subject_id"], number)


def _counts_of(rows: Iterable[Row]) -> dict[int, Counts]:
    return {row["subject_id"]: Counts(row["likes"] or {}, row["comments"] or {}, row["version"] or 0) for row in rows}
