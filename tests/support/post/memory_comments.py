"""Comments in memory.

`tests/integration/post/comments/test_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass, field, replace

from photomesh_post.comments.dead_rows import DeadRun
from photomesh_post.comments.domain import Comment, OwnComment, ThreadEntry, ThreadRow
from photomesh_post.comments.projection import comment_of, own_comment_of, thread_row_of
from photomesh_post.comments.tallies import Change, Tally
from photomesh_post.counts.domain import PartitionRef
from photomesh_post.tables.rows import RowWrite
from tests.support.post.memory_tables import MemoryStore, MemoryTables

__all__ = ["MemoryComments"]


@dataclass
class MemoryComments(MemoryStore):
    tables: MemoryTables = field(default_factory=MemoryTables)
    tallies: dict[PartitionRef, Tally] = field(default_factory=dict)

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self.step("write")
        await self.tables.write(rows)

    async def comment(self, comment_id: int) -> Comment | None:
        await self.step("comment")
        row = self.tables.row("comments", comment_id=comment_id)
        return comment_of(row) if row else None

    async def is_deleted(self, comment_id: int) -> bool:
        await self.step("is_deleted")
        row = self.tables.row("comments", comment_id=comment_id)
        return bool(row and row.get("deleted"))

    async def remove_dead(self, thread_id: int, run: DeadRun) -> None:
        """As if the tombstone were gone already: nothing keeps an older row out."""
        await self.step("remove_dead")
        for table, key in list(self.tables.cells):
            if table == "comments_by_thread" and key[:2] == (thread_id, run.month) and run.first <= key[2] <= run.last:
                del self.tables.cells[table, key]

    async def newest_of(self, thread_id: int, *, before: int) -> AsyncGenerator[ThreadRow, None]:
        for entry in reversed(self._entries(thread_id)):
            if entry.id < before:
                await self.step("newest_of")
                yield entry

    async def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[ThreadRow, None]:
        for entry in self._entries(thread_id):
            if entry.id > after:
                await self.step("oldest_of")
                yield entry

    def _entries(self, thread_id: int) -> list[ThreadRow]:
        months = {key[1] for table, key in self.tables.cells if table == "months_by_thread" and key[0] == thread_id}
        rows = [
            {"comment_id": key[2], **{name: value for name, (_, value) in cells.items()}}
            for (table, key), cells in self.tables.cells.items()
            if table == "comments_by_thread" and key[0] == thread_id and key[1] in months
        ]
        return sorted((thread_row_of(row) for row in rows), key=lambda row: row.id)

    async def tally(self, ref: PartitionRef, comment_ids: Collection[int]) -> Tally:
        await self.step("tally")
        stored = self.tallies.get(ref, Tally())
        return replace(stored, rows={key: row for key, row in stored.rows.items() if key in comment_ids})

    async def replace_tally(self, ref: PartitionRef, read: Tally, counted: Tally) -> bool:
        await self.step("replace_tally")
        stored = self.tallies.get(ref, Tally())
        if stored.revision != read.revision:
            return False
        self.tallies[ref] = replace(counted, rows={**stored.rows, **counted.rows})
        return True

    async def forget_tallies(self, post_id: int) -> None:
        await self.step("forget_tallies")
        for ref in [ref for ref in self.tallies if ref.subject_id == post_id]:
            del self.tallies[ref]

    async def comments(self, comment_ids: Collection[int]) -> dict[int, Comment]:
        found = [await self.comment(comment_id) for comment_id in comment_ids]
        return {comment.id: comment for comment in found if comment}

    async def texts(self, comments: Collection[OwnComment]) -> dict[int, ThreadEntry]:
        entries = {row.id: row.entry for one in comments for row in self._entries(one.parent_id or one.post_id)}
        return {one.id: entry for one in comments if (entry := entries.get(one.id))}

    async def comments_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnComment, None]:
        for (table, key), cells in sorted(self.tables.cells.items(), key=lambda item: item[0]):
            if table == "comments_by_account" and key[0] == account_id and after < key[2] <= until:
                await self.step("comments_of_account")
                row = {"comment_id": key[2], **{name: value for name, (_, value) in cells.items()}}
                if comment := own_comment_of(row):
                    yield comment

    async def forget_account(self, account_id: int, until: int) -> None:
        await self.step("forget_account")
        self.tables.forget(table="comments_by_account", account_id=account_id)

    async def partitions(self) -> AsyncGenerator[PartitionRef, None]:
        for ref in list(self.tallies):
            await self.step("partitions")
            yield ref

    async def months_of(self, thread_id: int) -> list[int]:
        await self.step("months_of")
        return [key[1] for table, key in self.tables.cells if table == "months_by_thread" and key[0] == thread_id]

    async def changes_in(self, ref: PartitionRef) -> AsyncGenerator[Change, None]:
        for root_id, root_gone in self._thread(ref):
            await self.step("changes_in")
            yield Change(root_id, root_id, root_gone)
            for month in await self.months_of(root_id):
                for reply_id, gone in self._thread(PartitionRef(root_id, month)):
                    yield Change(reply_id, root_id, gone or root_gone)

    def _thread(self, ref: PartitionRef) -> list[tuple[int, bool]]:
        return [
            (key[2], bool(cells.get("deleted", (0, False))[1]))
            for (table, key), cells in self.tables.cells.items()
            if table == "comments_by_thread" and key[:2] == ref
        ]
