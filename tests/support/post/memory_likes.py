"""Likes in memory.

`tests/integration/post/likes/test_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field, replace

from photomesh_post.counts.domain import PartitionRef
from photomesh_post.likes.domain import NEVER, Bucket, Like, OwnLike, bucket_of
from tests.support.post.memory_tables import MemoryStore

__all__ = ["MemoryLikes"]


@dataclass
class MemoryLikes(MemoryStore):
    partitions: dict[PartitionRef, Bucket] = field(default_factory=dict)
    own: dict[tuple[int, int], Like] = field(default_factory=dict)

    async def own_likes(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Like]:
        await self.step("own_likes")
        return {s: self.own[account_id, s] for s in subject_ids if (account_id, s) in self.own}

    async def save_own_like(self, account_id: int, subject_id: int, like: Like) -> None:
        await self.step("save_own_like")
        self.own[account_id, subject_id] = max(like, self.own.get((account_id, subject_id), NEVER))

    async def own_buckets(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Bucket]:
        await self.step("own_buckets")
        number = bucket_of(account_id)
        found = {s: self.partitions.get(PartitionRef(s, number), Bucket()) for s in subject_ids}
        return {
            subject_id: replace(bucket, likes={account_id: bucket.likes[account_id]})
            for subject_id, bucket in found.items()
            if account_id in bucket.likes
        }

    async def bucket(self, ref: PartitionRef, account_ids: Collection[int]) -> Bucket:
        await self.step("bucket")
        stored = self.partitions.get(ref, Bucket())
        return replace(stored, likes={a: stored.likes[a] for a in account_ids if a in stored.likes})

    async def replace_bucket(self, ref: PartitionRef, read: Bucket, counted: Bucket) -> bool:
        await self.step("replace_bucket")
        stored = self.partitions.get(ref, Bucket())
        if stored.revision != read.revision:
            return False
        kept = {account: like for account, like in stored.likes.items() if account not in read.likes}
        self.partitions[ref] = replace(counted, likes={**kept, **counted.likes})
        return True

    async def accounts_in(self, ref: PartitionRef, *, after: int) -> AsyncGenerator[int, None]:
        for account_id, like in sorted(self.partitions.get(ref, Bucket()).likes.items()):
            if like.liked and account_id > after:
                await self.step("accounts_in")
                yield account_id

    async def buckets_of(self, subject_id: int) -> list[PartitionRef]:
        await self.step("buckets_of")
        return [ref for ref in self.partitions if ref.subject_id == subject_id]

    async def account_ids(self, ref: PartitionRef, *, after: int) -> list[int]:
        await self.step("account_ids")
        return [account for account in sorted(self.partitions.get(ref, Bucket()).likes) if account > after][:3]

    async def forget_bucket(self, ref: PartitionRef) -> None:
        await self.step("forget_bucket")
        self.partitions.pop(ref, None)

    async def forget_own_likes(self, likes: Sequence[tuple[int, int]]) -> None:
        await self.step("forget_own_likes")
        for key in likes:
            self.own.pop(key, None)

    async def likes_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnLike, None]:
        for (account, subject), like in sorted(self.own.items()):
            if account == account_id and like.liked and after < subject <= until:
                await self.step("likes_of_account")
                yield OwnLike(subject, like)

    async def forget_account(self, account_id: int, until: int) -> None:
        await self.step("forget_account")
        for key in [key for key in self.own if key[0] == account_id]:
            del self.own[key]

    async def buckets(self) -> AsyncGenerator[PartitionRef, None]:
        for ref in list(self.partitions):
            await self.step("buckets")
            yield ref

    async def count_rows(self, ref: PartitionRef) -> int:
        await self.step("count_rows")
        return sum(like.liked for like in self.partitions.get(ref, Bucket()).likes.values())
