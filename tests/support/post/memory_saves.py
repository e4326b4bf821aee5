"""Saved posts and collections in memory.

`tests/integration/post/saves/test_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field

from photomesh_post.saves import domain
from photomesh_post.saves.domain import ListPosition, ListTally, Membership
from photomesh_post.saves.projection import collection_of, membership_of
from photomesh_post.tables.rows import RowWrite, month_of
from tests.support.post.memory_tables import MemoryStore, MemoryTables

__all__ = ["MemorySaves"]


@dataclass
class MemorySaves(MemoryStore):
    tables: MemoryTables = field(default_factory=MemoryTables)
    partitions: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """Count and revision, by list and month."""
    marks: dict[tuple[int, int], tuple[bool, int]] = field(default_factory=dict)
    """Whether a post is counted, and as of which version, by list and post."""
    copied: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """Revision and count, by collection and month."""

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self.step("write")
        await self.tables.write(rows)

    def _membership(self, list_id: int, post_id: int) -> Membership | None:
        row = self.tables.row("saves", list_id=list_id, month=month_of(post_id), post_id=post_id)
        return membership_of(row) if row else None

    async def memberships(self, list_id: int, post_ids: Collection[int]) -> dict[int, Membership]:
        await self.step("memberships")
        return {post_id: found for post_id in post_ids if (found := self._membership(list_id, post_id))}

    async def memberships_of_post(self, list_ids: Collection[int], post_id: int) -> dict[int, Membership]:
        await self.step("memberships_of_post")
        return {list_id: found for list_id in list_ids if (found := self._membership(list_id, post_id))}

    async def positions(self, list_id: int, *, before: ListPosition | None) -> AsyncGenerator[ListPosition, None]:
        months = {key for table, key in self.tables.cells if table == "months_by_list"}
        positions = [
            ListPosition(key[2], key[3])
            for table, key in self.tables.cells
            if table == "saves_by_time" and key[0] == list_id and key[:2] in months
        ]
        for position in sorted(positions, reverse=True):
            if before is None or position < before:
                await self.step("positions")
                yield position

    async def lists_with(self, post_id: int, bucket: int, *, after: int) -> list[tuple[int, int]]:
        await self.step("lists_with")
        found = (
            (key[2], int(cells["account_id"][1]))
            for (table, key), cells in self.tables.cells.items()
            if table == "lists_by_post" and key[:2] == (post_id, bucket)
        )
        return [one for one in sorted(found) if one[0] > after][:3]

    async def forget_lists_with(self, post_id: int, bucket: int) -> None:
        await self.step("forget_lists_with")
        for table, key in list(self.tables.cells):
            if table == "lists_by_post" and key[:2] == (post_id, bucket):
                del self.tables.cells[table, key]

    async def all_collection_ids(self, account_id: int) -> list[int]:
        await self.step("all_collection_ids")
        return [key[1] for table, key in self.tables.cells if table == "collections" and key[0] == account_id]

    async def forget_list(self, list_id: int) -> None:
        await self.step("forget_list")
        for table in ("saves", "saves_by_time", "months_by_list"):
            self.tables.forget(table=table, list_id=list_id)
        for table, key in list(self.tables.cells):
            if table == "lists_by_post" and key[2] == list_id:
                del self.tables.cells[table, key]

    async def forget_collections(self, account_id: int) -> None:
        await self.step("forget_collections")
        self.tables.forget(table="collections", account_id=account_id)

    async def collections(self, account_id: int) -> list[domain.Collection]:
        await self.step("collections")
        keys = sorted((key for table, key in self.tables.cells if table == "collections"), reverse=True)
        found = [self._collection(*key) for key in keys if key[0] == account_id]
        return [collection for collection in found if collection]

    async def collection(self, account_id: int, collection_id: int) -> domain.Collection | None:
        await self.step("collection")
        return self._collection(account_id, collection_id)

    def _collection(self, account_id: int, collection_id: int) -> domain.Collection | None:
        row = self.tables.row("collections", account_id=account_id, collection_id=collection_id)
        posts = {month: count for (copied, month), (_, count) in self.copied.items() if copied == collection_id}
        return collection_of({**row, "posts": posts}) if row else None

    async def tally(self, collection_id: int, post_id: int) -> ListTally:
        await self.step("tally")
        membership = self._membership(collection_id, post_id)
        if membership is None:
            return ListTally()
        count, revision = self.partitions.get((collection_id, month_of(post_id)), (0, 0))
        return ListTally(count, revision, membership, *self.marks.get((collection_id, post_id), (False, 0)))

    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool:
        await self.step("replace_tally")
        partition = (collection_id, month_of(post_id))
        if self.partitions.get(partition, (0, 0))[1] != read.revision:
            return False
        self.partitions[partition] = (counted.count, counted.revision)
        self.marks[collection_id, post_id] = (counted.counted, counted.counted_version)
        return True

    async def publish_count(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None:
        await self.step("publish_count")
        key, cell = (collection_id, month_of(post_id)), (tally.revision, tally.count)
        self.copied[key] = max(cell, self.copied.get(key, cell))
