"""Consumer use cases: likes are counted."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Protocol

from photomesh_post.counts.compare_and_set import compare_and_set
from photomesh_post.counts.domain import PartitionCount, PartitionRef
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.likes.domain import Bucket, Like, LikeEvent, bucket_of, newest_likes
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["CountStore", "LikeEventHandlers", "Store"]

BEFORE_BUCKET = declare("likes.before_bucket", "a bucket of likes is read and not written")
AFTER_BUCKET = declare("likes.after_bucket", "a bucket of likes is written, others may not be")
AFTER_BUCKETS = declare("likes.after_buckets", "all buckets are written, the copied counts are old")
AFTER_COUNTS = declare("likes.after_counts", "the counts are copied, the post is not marked as changed")

_LIKES_PER_TRANSACTION = 40  # about 4 KB; Cassandra warns of batches above 5


class Store(Protocol):
    """See `likes.store.CassandraLikes`."""

    async def save_own_like(self, account_id: int, subject_id: int, like: Like) -> None: ...
    async def bucket(self, ref: PartitionRef, account_ids: Collection[int]) -> Bucket: ...
    async def replace_bucket(self, ref: PartitionRef, read: Bucket, counted: Bucket) -> bool: ...
    async def forget_own_likes(self, likes: Sequence[tuple[int, int]]) -> None: ...


class CountStore(Protocol):
    """See `counts.store.CassandraCounts`."""

    async def publish_like_counts(self, counts: Iterable[PartitionCount]) -> None: ...


class LikeEventHandlers:
    def __init__(self, store: Store, counts: CountStore, publisher: CountPublisher, clock: Clock) -> None:
        self._store = store
        self._counts = counts
        self._publisher = publisher
        self._clock = clock

    async def likes_changed(self, envelopes: Sequence[Envelope[LikeEvent]]) -> None:
        """Counts a batch of likes of one post and its comments. Idempotent. Raises Unavailable."""
        likes = newest_likes(envelopes)
        # The request writes them as well, at once; it may have crashed, or this is a replay into empty tables.
        await asyncio.gather(
            *(
                self._store.save_own_like(account_id, ref.subject_id, like)
                for ref, of_bucket in likes.items()
                for account_id, like in of_bucket.items()
            )
        )
        buckets = await asyncio.gather(*(self._count(ref, of_bucket) for ref, of_bucket in likes.items()))
        await failpoint(AFTER_BUCKETS)
        # Also if nothing was new: before a crash they may have been counted and not copied.
        await self._counts.publish_like_counts(
            PartitionCount(ref, bucket.count, bucket.revision) for ref, bucket in zip(likes, buckets, strict=True)
        )
        await failpoint(AFTER_COUNTS)
        post = envelopes[0].data
        if any(ref.subject_id == post.post_id for ref in likes):
            self._publisher.mark_changed(post.post_id, post.post_author_id)

    async def forget(self, likes: Iterable[tuple[int, int]]) -> None:
        """Removes what is stored of likes, by account and subject, of which one ended; they count no more. Idempotent.
        Raises Unavailable."""
        accounts: defaultdict[PartitionRef, set[int]] = defaultdict(set)
        for account_id, subject_id in likes:
            accounts[PartitionRef(subject_id, bucket_of(account_id))].add(account_id)
        for ref, account_ids in accounts.items():
            bucket = await compare_and_set(
                read=partial(self._store.bucket, ref, account_ids),
                count=lambda bucket, account_ids=account_ids: bucket.without(account_ids),  # type: ignore[misc]
                replace=partial(self._store.replace_bucket, ref),
                clock=self._clock,
            )
            if bucket.revision:
                await self._counts.publish_like_counts([PartitionCount(ref, bucket.count, bucket.revision)])
            await self._store.forget_own_likes([(account_id, ref.subject_id) for account_id in account_ids])

    async def _count(self, ref: PartitionRef, likes: Mapping[int, Like]) -> Bucket:
        """The bucket once these are counted, in transactions of a bounded size."""
        rest = iter(likes.items())
        bucket = Bucket()
        while batch := dict(islice(rest, _LIKES_PER_TRANSACTION)):
            bucket = await self._count_batch(ref, batch)
        return bucket

    async def _count_batch(self, ref: PartitionRef, likes: Mapping[int, Like]) -> Bucket:
        return await compare_and_set(
            read=partial(self._store.bucket, ref, likes),
            count=lambda bucket: bucket.after(likes),
            replace=partial(self._replace, ref),
            clock=self._clock,
        )

    async def _replace(self, ref: PartitionRef, read: Bucket, counted: Bucket) -> bool:
        await failpoint(BEFORE_BUCKET)
        replaced = await self._store.replace_bucket(ref, read, counted)
        if replaced:
            await failpoint(AFTER_BUCKET)
        return replaced
