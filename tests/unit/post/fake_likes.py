"""Likes and counts in memory.

`tests/integration/post/test_likes_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from photomesh_post.likes.domain import NEVER, Bucket, Counts, Like, bucket_of
from photomesh_post.posts.domain import Author
from photomesh_shared.errors import Unavailable

__all__ = ["MemoryLikes"]

Cell = tuple[int, int]
"""A timestamp and a value."""


@dataclass
class MemoryLikes:
    """`on_step` is called before each statement: others come in between, or the store goes away."""

    buckets: dict[tuple[int, int], Bucket] = field(default_factory=dict)
    own: dict[tuple[int, int], Like] = field(default_factory=dict)
    shown: defaultdict[int, dict[int, Cell]] = field(default_factory=lambda: defaultdict(dict))
    comments: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    versions: dict[int, int] = field(default_factory=dict)
    away: bool = False
    on_step: Callable[[str], None] = lambda step: None

    async def _answer(self, step: str) -> None:
        await asyncio.sleep(0)  # others come between any two statements
        if self.away:
            raise Unavailable
        self.on_step(step)

    async def counts(self, subject_ids: Collection[int]) -> dict[int, Counts]:
        await self._answer("counts")
        return {
            subject_id: Counts(
                {bucket: count for bucket, (_, count) in self.shown[subject_id].items()},
                dict(self.comments[subject_id]),
                self.versions.get(subject_id, 0),
            )
            for subject_id in subject_ids
        }

    async def said(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Like]:
        await self._answer("said")
        return {s: self.own[account_id, s] for s in subject_ids if (account_id, s) in self.own}

    async def say(self, account_id: int, subject_id: int, like: Like) -> None:
        await self._answer("say")
        self.own[account_id, subject_id] = max(like, self.own.get((account_id, subject_id), NEVER))

    async def counted(self, account_id: int, subject_ids: Collection[int]) -> dict[int, Bucket]:
        await self._answer("counted")
        found = {s: self.buckets.get((s, bucket_of(account_id)), Bucket()) for s in subject_ids}
        return {
            subject_id: replace(bucket, likes={account_id: bucket.likes[account_id]})
            for subject_id, bucket in found.items()
            if account_id in bucket.likes
        }

    async def bucket(self, subject_id: int, number: int, account_ids: Collection[int]) -> Bucket:
        await self._answer("bucket")
        kept = self.buckets.get((subject_id, number), Bucket())
        return replace(kept, likes={a: kept.likes[a] for a in account_ids if a in kept.likes})

    async def replace_bucket(self, subject_id: int, number: int, read: Bucket, counted: Bucket) -> bool:
        await self._answer("replace_bucket")
        kept = self.buckets.get((subject_id, number), Bucket())
        if kept.revision != read.revision:
            return False
        self.buckets[subject_id, number] = replace(counted, likes={**kept.likes, **counted.likes})
        return True

    async def show(self, subject_id: int, buckets: Mapping[int, Bucket]) -> None:
        await self._answer("show")
        for number, bucket in buckets.items():
            cell = (bucket.revision, bucket.count)
            self.shown[subject_id][number] = max(cell, self.shown[subject_id].get(number, cell))

    async def number(self, subject_id: int, version: int) -> None:
        await self._answer("number")
        self.versions[subject_id] = max(version, self.versions.get(subject_id, 0))

    async def likers(self, subject_id: int, *, after: tuple[int, int]) -> AsyncGenerator[tuple[int, int], None]:
        places = sorted(
            (number, account_id)
            for (subject, number), bucket in self.buckets.items()
            for account_id, like in bucket.likes.items()
            if subject == subject_id and like.liked
        )
        for place in places:
            if place > after:
                await self._answer("likers")
                yield place

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        await self._answer("authors")
        return {account_id: Author(account_id, f"user{account_id}") for account_id in account_ids}
