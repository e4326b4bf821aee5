"""Copied counts in memory."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Iterable
from dataclasses import dataclass, field

from photomesh_post.counts.domain import Counts, PartitionCount, PartitionRef
from tests.support.post.memory_tables import MemoryStore

__all__ = ["MemoryCounts"]

Cell = tuple[int, int]
"""A timestamp and a value."""


@dataclass
class MemoryCounts(MemoryStore):
    likes: dict[PartitionRef, Cell] = field(default_factory=dict)
    comments: dict[PartitionRef, Cell] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)

    async def counts(self, subject_ids: Collection[int]) -> dict[int, Counts]:
        await self.step("counts")
        return {
            subject_id: Counts(
                {ref.number: count for ref, (_, count) in self.likes.items() if ref.subject_id == subject_id},
                {ref.number: count for ref, (_, count) in self.comments.items() if ref.subject_id == subject_id},
                self.versions.get(subject_id, 0),
            )
            for subject_id in subject_ids
        }

    async def publish_like_counts(self, counts: Iterable[PartitionCount]) -> None:
        await self.step("publish_like_counts")
        _merge(self.likes, counts)

    async def publish_comment_counts(self, counts: Iterable[PartitionCount]) -> None:
        await self.step("publish_comment_counts")
        _merge(self.comments, counts)

    async def set_version(self, subject_id: int, version: int) -> None:
        await self.step("set_version")
        self.versions[subject_id] = max(version, self.versions.get(subject_id, 0))

    async def forget(self, subject_id: int) -> None:
        await self.step("forget")
        for cells in (self.likes, self.comments):
            for ref in [ref for ref in cells if ref.subject_id == subject_id]:
                del cells[ref]

    async def counted_buckets(self) -> AsyncGenerator[PartitionRef, None]:
        for ref, (_, count) in list(self.likes.items()):
            if count:
                await self.step("counted_buckets")
                yield ref

    def comment_count(self, subject_id: int) -> int:
        """Of a post with replies, of a comment its replies."""
        return sum(count for ref, (_, count) in self.comments.items() if ref.subject_id == subject_id)


def _merge(cells: dict[PartitionRef, Cell], counts: Iterable[PartitionCount]) -> None:
    for count in counts:
        cell = (count.revision, count.count)
        cells[count.ref] = max(cell, cells.get(count.ref, cell))
