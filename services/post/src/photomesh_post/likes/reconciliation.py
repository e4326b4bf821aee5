"""Audits the counts of likes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from typing import Protocol

from photomesh_post.counts.domain import Counts, PartitionCount, PartitionRef
from photomesh_post.counts.reconciliation import Balance
from photomesh_post.likes.domain import BUCKETS, Bucket

__all__ = ["CountStore", "LikeAudit", "Store"]


class Store(Protocol):
    """See `likes.store.CassandraLikes`."""

    def buckets(self) -> AsyncGenerator[PartitionRef, None]: ...
    async def bucket(self, ref: PartitionRef, account_ids: Collection[int]) -> Bucket: ...
    async def replace_bucket(self, ref: PartitionRef, read: Bucket, counted: Bucket) -> bool: ...
    async def count_rows(self, ref: PartitionRef) -> int: ...


class CountStore(Protocol):
    """See `counts.store.CassandraCounts`."""

    def counted_buckets(self) -> AsyncGenerator[PartitionRef, None]: ...
    async def counts(self, subject_ids: Collection[int]) -> Mapping[int, Counts]: ...
    async def publish_like_counts(self, counts: Iterable[PartitionCount]) -> None: ...


class LikeAudit:
    """See `counts.reconciliation.CountAudit`."""

    name = "likes"

    def __init__(self, store: Store, counts: CountStore) -> None:
        self._store = store
        self._counts = counts

    async def partitions(self, subject_id: int | None) -> AsyncGenerator[PartitionRef, None]:
        if subject_id is not None:
            for number in range(BUCKETS):
                yield PartitionRef(subject_id, number)
            return
        async for ref in self._store.buckets():
            yield ref
        async for ref in self._counts.counted_buckets():
            if not (await self._store.bucket(ref, ())).revision:
                yield ref

    async def balance(self, ref: PartitionRef) -> Balance | None:
        counts = (await self._counts.counts([ref.subject_id])).get(ref.subject_id, Counts())
        bucket = await self._store.bucket(ref, ())
        rows = await self._store.count_rows(ref)
        if (await self._store.bucket(ref, ())).revision != bucket.revision:
            return None
        return Balance(rows, bucket.count, counts.by_bucket.get(ref.number, 0), bucket.revision)

    async def repair(self, ref: PartitionRef, balance: Balance, revision: int) -> bool:
        read = Bucket(balance.count, balance.revision)
        if not await self._store.replace_bucket(ref, read, Bucket(balance.rows, revision)):
            return False
        await self._counts.publish_like_counts([PartitionCount(ref, balance.rows, revision)])
        return True
