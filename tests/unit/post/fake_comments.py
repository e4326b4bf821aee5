"""Comments in memory.

`tests/integration/post/test_comments_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

from photomesh_post.comments.domain import Comment, Entry, comment_of, entry_of
from photomesh_post.comments.tallies import Tally
from photomesh_post.posts.domain import Author
from photomesh_post.posts.projection import RowWrite
from photomesh_shared.errors import Unavailable
from tests.unit.post.fakes import MemoryStore

__all__ = ["MemoryComments"]


@dataclass
class MemoryComments:
    """`on_step` is called before each statement: others come in between, or the store goes away."""

    rows: MemoryStore = field(default_factory=MemoryStore)
    tallies: dict[tuple[int, int], Tally] = field(default_factory=dict)
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

    async def comment(self, comment_id: int) -> Comment | None:
        await self._answer("comment")
        row = self.rows.row("comments", comment_id=comment_id)
        return comment_of(row) if row else None

    async def newest_of(self, thread_id: int, *, before: int) -> AsyncGenerator[Entry, None]:
        for entry in reversed(self._entries(thread_id)):
            if entry.id < before:
                await self._answer("newest_of")
                yield entry

    async def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[Entry, None]:
        for entry in self._entries(thread_id):
            if entry.id > after:
                await self._answer("oldest_of")
                yield entry

    def _entries(self, thread_id: int) -> list[Entry]:
        months = {key[1] for table, key in self.rows.cells if table == "months_by_thread" and key[0] == thread_id}
        rows = [
            {"comment_id": key[2], **{name: value for name, (_, value) in cells.items()}}
            for (table, key), cells in self.rows.cells.items()
            if table == "comments_by_thread" and key[0] == thread_id and key[1] in months
        ]
        entries = [entry for row in rows if (entry := entry_of(row))]
        return sorted(entries, key=lambda entry: entry.id)

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        await self._answer("authors")
        return {account_id: Author(account_id, f"user{account_id}") for account_id in account_ids}

    async def tally(self, post_id: int, month: int, comment_ids: Collection[int]) -> Tally:
        await self._answer("tally")
        kept = self.tallies.get((post_id, month), Tally())
        return replace(kept, rows={key: row for key, row in kept.rows.items() if key in comment_ids})

    async def replace_tally(self, post_id: int, month: int, read: Tally, counted: Tally) -> bool:
        await self._answer("replace_tally")
        kept = self.tallies.get((post_id, month), Tally())
        if kept.revision != read.revision:
            return False
        self.tallies[post_id, month] = replace(counted, rows={**kept.rows, **counted.rows})
        return True

    async def show_tally(self, post_id: int, month: int, tally: Tally) -> None:
        await self._answer("show_tally")
        counts = {post_id: tally.count, **{comment_id: row.replies for comment_id, row in tally.rows.items()}}
        for subject_id, count in counts.items():
            cell = (tally.revision, count)
            self.shown[subject_id, month] = max(cell, self.shown.get((subject_id, month), cell))

    def shown_count(self, subject_id: int) -> int:
        """Of a post with replies, of a comment its replies."""
        return sum(count for (subject, _), (_, count) in self.shown.items() if subject == subject_id)
