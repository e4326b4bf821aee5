"""Audits the counts of comments."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.comments.counting import CHANGES_PER_TRANSACTION
from photomesh_post.comments.tallies import Change, Tally, comments_in
from photomesh_post.counts.domain import Counts, PartitionCount, PartitionRef
from photomesh_post.counts.reconciliation import Balance
from photomesh_post.paging import chunked

__all__ = ["CommentAudit", "CountStore", "Store"]


class Store(Protocol):
    """See `comments.store.CassandraComments`."""

    def partitions(self) -> AsyncGenerator[PartitionRef, None]: ...
    async def months_of(self, thread_id: int) -> Sequence[int]: ...
    def changes_in(self, ref: PartitionRef) -> AsyncGenerator[Change, None]: ...
    async def tally(self, ref: PartitionRef, comment_ids: Collection[int]) -> Tally: ...
    async def replace_tally(self, ref: PartitionRef, read: Tally, counted: Tally) -> bool: ...


class CountStore(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...
    async def publish_comment_counts(self, counts: Iterable[PartitionCount]) -> None: ...


class CommentAudit:
    """See `counts.reconciliation.CountAudit`. A partition holds the comments of a post and a month, with all their
    replies."""

    name = "comments"

    def __init__(self, store: Store, counts: CountStore) -> None:
        self._store = store
        self._counts = counts

    async def partitions(self, subject_id: int | None) -> AsyncGenerator[PartitionRef, None]:
        if subject_id is not None:
            for month in await self._store.months_of(subject_id):
                yield PartitionRef(subject_id, month)
            return
        async for ref in self._store.partitions():
            yield ref

    async def balance(self, ref: PartitionRef) -> Balance | None:
        counts = (await self._counts.counts([ref.subject_id])).get(ref.subject_id, Counts())
        tally = await self._store.tally(ref, ())
        rows = len([change async for change in self._store.changes_in(ref) if not change.gone])
        if (await self._store.tally(ref, ())).revision != tally.revision:
            return None
        return Balance(rows, tally.count, counts.by_month.get(ref.number, 0), tally.revision)

    async def repair(self, ref: PartitionRef, balance: Balance, revision: int) -> bool:
        """First the rows that remember what is counted, or the next event of a comment would be counted wrongly."""
        async with aclosing(chunked(self._store.changes_in(ref), CHANGES_PER_TRANSACTION)) as chunks:
            async for changes in chunks:
                if not await self._mark(ref, changes):
                    return False
        read = await self._store.tally(ref, ())
        right = Tally(balance.rows, max(revision, read.revision + 1))
        if not await self._store.replace_tally(ref, read, right):
            return False
        await self._counts.publish_comment_counts([PartitionCount(ref, right.count, right.revision)])
        return True

    async def _mark(self, ref: PartitionRef, changes: Sequence[Change]) -> bool:
        read = await self._store.tally(ref, comments_in(changes))
        marked = read.after(changes)
        return marked is read or await self._store.replace_tally(ref, read, marked)
