"""Counts the comments of posts and the replies of comments."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Protocol
from weakref import WeakValueDictionary

from photomesh_post.comments.projection import CommentEvent
from photomesh_post.comments.tallies import Change, Tally, change_of, comments_in, partition_of
from photomesh_post.counts.compare_and_set import compare_and_set
from photomesh_post.counts.domain import PartitionCount, PartitionRef
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.events import Envelope
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["CHANGES_PER_TRANSACTION", "CommentCounter", "CountStore", "Store"]

AFTER_TALLY = declare("comment.after_tally", "the comment is counted, the copied count is the old one")

CHANGES_PER_TRANSACTION = 25  # of two rows each at most


class Store(Protocol):
    """See `comments.store.CassandraComments`."""

    async def tally(self, ref: PartitionRef, comment_ids: Collection[int]) -> Tally: ...
    async def replace_tally(self, ref: PartitionRef, read: Tally, counted: Tally) -> bool: ...


class CountStore(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def publish_comment_counts(self, counts: Iterable[PartitionCount]) -> None: ...


class CommentCounter:
    def __init__(self, store: Store, counts: CountStore, clock: Clock) -> None:
        self._store = store
        self._counts = counts
        self._clock = clock
        self._partitions: WeakValueDictionary[PartitionRef, BatchLoader[Change, None]] = WeakValueDictionary()

    async def count(self, envelopes: Iterable[Envelope[CommentEvent]]) -> None:
        """Counts events. Idempotent. Raises Unavailable.

        Concurrent calls for one partition share its transactions, one at a time: they would only conflict.
        """
        changes = [(envelope.data.post_id, change_of(envelope.data)) for envelope in envelopes]
        await asyncio.gather(
            *(self._partition(partition_of(post_id, change)).load(change) for post_id, change in changes)
        )

    def _partition(self, ref: PartitionRef) -> BatchLoader[Change, None]:
        """Kept in memory as long as a call counts in it."""
        partition = self._partitions.get(ref)
        if partition is None:
            partition = BatchLoader(partial(self._count, ref), max_batch=CHANGES_PER_TRANSACTION, concurrency=1)
            self._partitions[ref] = partition
        return partition

    async def _count(self, ref: PartitionRef, changes: Sequence[Change]) -> Mapping[Change, None]:
        tally = await compare_and_set(
            read=partial(self._store.tally, ref, comments_in(changes)),
            count=lambda tally: tally.after(changes),
            replace=partial(self._store.replace_tally, ref),
            clock=self._clock,
        )
        await failpoint(AFTER_TALLY)
        # Also if nothing was new: before a crash it may have been counted and not copied.
        await self._counts.publish_comment_counts(_copied_counts(ref, tally))
        return {}


def _copied_counts(ref: PartitionRef, tally: Tally) -> list[PartitionCount]:
    """The counts of a tally that are copied: the post's, and the replies of each comment in it."""
    counts = {ref.subject_id: tally.count, **{comment_id: row.replies for comment_id, row in tally.rows.items()}}
    return [
        PartitionCount(PartitionRef(subject_id, ref.number), count, tally.revision)
        for subject_id, count in counts.items()
    ]
