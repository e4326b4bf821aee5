"""What accounts keep, in memory.

`tests/integration/post/test_saves_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field

from photomesh_post.posts.projection import RowWrite, month_of
from photomesh_post.saves import domain as lists
from photomesh_post.saves.domain import Kept, ListTally, Place, collection_of, kept_of
from photomesh_shared.errors import Unavailable
from tests.unit.post.fakes import MemoryStore

__all__ = ["MemorySaves"]


@dataclass
class MemorySaves:
    """`on_step` is called before each statement: others come in between, or the store goes away."""

    rows: MemoryStore = field(default_factory=MemoryStore)
    partitions: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    """Count and revision, by list and month."""
    marks: dict[tuple[int, int], tuple[bool, int]] = field(default_factory=dict)
    """As what a post is counted, and of which version, by list and post."""
    shown: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    away: bool = False
    on_step: Callable[[str], None] = lambda step: None

    async def _answer(self, step: str) -> None:
        await asyncio.sleep(0)  # others come between any two statements
        if self.away:
            raise Unavailable
        self.on_step(step)

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self._answer("write")
        await self.rows.write(rows)

    def _kept(self, list_id: int, post_id: int) -> Kept | None:
        row = self.rows.row("saves", list_id=list_id, month=month_of(post_id), post_id=post_id)
        return kept_of(row) if row else None

    async def kept(self, list_id: int, post_ids: Collection[int]) -> dict[int, Kept]:
        await self._answer("kept")
        return {post_id: said for post_id in post_ids if (said := self._kept(list_id, post_id))}

    async def kept_in(self, list_ids: Collection[int], post_id: int) -> dict[int, Kept]:
        await self._answer("kept_in")
        return {list_id: said for list_id in list_ids if (said := self._kept(list_id, post_id))}

    async def newest_in(self, list_id: int, *, before: Place | None) -> AsyncGenerator[Place, None]:
        months = {key for table, key in self.rows.cells if table == "months_by_list"}
        places = [
            Place(key[2], key[3])
            for table, key in self.rows.cells
            if table == "saves_by_time" and key[0] == list_id and key[:2] in months
        ]
        for place in sorted(places, reverse=True):
            if before is None or place < before:
                await self._answer("newest_in")
                yield place

    async def collections(self, account_id: int) -> list[lists.Collection]:
        await self._answer("collections")
        keys = sorted((key for table, key in self.rows.cells if table == "collections"), reverse=True)
        found = [self._collection(*key) for key in keys if key[0] == account_id]
        return [collection for collection in found if collection]

    async def collection(self, account_id: int, collection_id: int) -> lists.Collection | None:
        await self._answer("collection")
        return self._collection(account_id, collection_id)

    def _collection(self, account_id: int, collection_id: int) -> lists.Collection | None:
        row = self.rows.row("collections", account_id=account_id, collection_id=collection_id)
        posts = {month: count for (shown, month), (_, count) in self.shown.items() if shown == collection_id}
        return collection_of({**row, "posts": posts}) if row else None

    async def tally(self, collection_id: int, post_id: int) -> ListTally:
        await self._answer("tally")
        said = self._kept(collection_id, post_id)
        assert said is not None
        count, revision = self.partitions.get((collection_id, month_of(post_id)), (0, 0))
        return ListTally(count, revision, said, *self.marks.get((collection_id, post_id), (False, 0)))

    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool:
        await self._answer("replace_tally")
        partition = (collection_id, month_of(post_id))
        if self.partitions.get(partition, (0, 0))[1] != read.revision:
            return False
        self.partitions[partition] = (counted.count, counted.revision)
        self.marks[collection_id, post_id] = (counted.counted, counted.counted_version)
        return True

    async def show_tally(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None:
        await self._answer("show_tally")
        key, cell = (collection_id, month_of(post_id)), (tally.revision, tally.count)
        self.shown[key] = max(cell, self.shown.get(key, cell))
