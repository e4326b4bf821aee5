"""Comments in Cassandra."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence

from photomesh_post.comments.dead_rows import DeadRun
from photomesh_post.comments.domain import Comment, OwnComment, ThreadEntry, ThreadRow
from photomesh_post.comments.projection import comment_of, own_comment_of, thread_row_of
from photomesh_post.comments.tallies import Change, State, Tallied, Tally
from photomesh_post.counts.domain import PartitionRef
from photomesh_post.tables.rows import FINAL, RowWrite, month_of, months_between
from photomesh_post.tables.store import rows_by_month, write_rows
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraComments"]

_ROWS_PER_READ = 100
_MAX_ROWS_PER_READ = 4_000  # the driver's pages have 5,000


class CassandraComments:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await write_rows(self._session, rows)

    async def comment(self, comment_id: int) -> Comment | None:
        rows = await self._session.read("SELECT * FROM comments WHERE comment_id = ?", comment_id)
        return comment_of(rows[0]) if rows else None

    async def is_deleted(self, comment_id: int) -> bool:
        """Whether the deletion of a comment has arrived, its creation or not."""
        rows = await self._session.read("SELECT deleted FROM comments WHERE comment_id = ?", comment_id)
        return bool(rows and rows[0]["deleted"])

    async def comments(self, comment_ids: Collection[int]) -> dict[int, Comment]:
        """Those of the ids that are comments, deleted ones as well, by id."""
        cql = "SELECT * FROM comments WHERE comment_id IN ?"
        rows = await self._session.read(cql, tuple(sorted(comment_ids))) if comment_ids else []
        return {comment.id: comment for row in rows if (comment := comment_of(row))}

    async def comments_of_account(self, account_id: int, *, after: int, until: int) -> AsyncGenerator[OwnComment, None]:
        """An account's comments with larger ids than `after`, up to `until`, oldest first, as long as the caller takes
        them."""
        cql = (
            "SELECT comment_id, post_id, parent_id, deleted FROM comments_by_account"
            " WHERE account_id = ? AND month = ? AND comment_id > ? LIMIT ?"
        )
        async for row in rows_by_month(
            self._session, cql, account_id, "comment_id", after=after, until=until, since=account_id
        ):
            if comment := own_comment_of(row):
                yield comment

    async def texts(self, comments: Collection[OwnComment]) -> dict[int, ThreadEntry]:
        """The texts of comments that are not deleted, by id."""
        cql = (
            "SELECT comment_id, author_id, body, entities, deleted FROM comments_by_thread"
            " WHERE thread_id = ? AND month = ? AND comment_id = ?"
        )
        found = await asyncio.gather(
            *(self._session.read(cql, one.parent_id or one.post_id, month_of(one.id), one.id) for one in comments)
        )
        entries = (thread_row_of(row).entry for rows in found for row in rows)
        return {entry.id: entry for entry in entries if entry}

    async def remove_dead(self, thread_id: int, run: DeadRun) -> None:
        """Removes the rows of deleted comments from their thread."""
        cql = (
            "DELETE FROM comments_by_thread USING TIMESTAMP ?"
            " WHERE thread_id = ? AND month = ? AND comment_id >= ? AND comment_id <= ?"
        )
        await self._session.execute(cql, FINAL, thread_id, *run)

    async def newest_of(self, thread_id: int, *, before: int) -> AsyncGenerator[ThreadRow, None]:
        """A thread's rows with smaller ids than `before`, newest first, as long as the caller takes them."""
        months = await self._session.read(
            "SELECT month FROM months_by_thread WHERE thread_id = ? AND month <= ?", thread_id, month_of(before)
        )
        cql = (
            "SELECT comment_id, author_id, body, entities, deleted FROM comments_by_thread"
            " WHERE thread_id = ? AND month = ? AND comment_id < ? LIMIT ?"
        )
        async for thread_row in self._rows(cql, thread_id, [row["month"] for row in months], before):
            yield thread_row

    async def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[ThreadRow, None]:
        """A thread's rows with larger ids than `after`, oldest first, as long as the caller takes them."""
        months = await self._session.read(
            "SELECT month FROM months_by_thread WHERE thread_id = ? AND month >= ? ORDER BY month ASC",
            thread_id,
            month_of(after),
        )
        cql = (
            "SELECT comment_id, author_id, body, entities, deleted FROM comments_by_thread"
            " WHERE thread_id = ? AND month = ? AND comment_id > ? ORDER BY comment_id ASC LIMIT ?"
        )
        async for thread_row in self._rows(cql, thread_id, [row["month"] for row in months], after):
            yield thread_row

    async def _rows(
        self, cql: str, thread_id: int, months: Sequence[int], start: int
    ) -> AsyncGenerator[ThreadRow, None]:
        size = _ROWS_PER_READ
        for month in months:
            last = start
            while True:
                found = [thread_row_of(row) for row in await self._session.read(cql, thread_id, month, last, size)]
                for row in found:
                    last = row.id
                    yield row
                if len(found) < size:
                    break
                # Rows of deleted comments are tiny, and come in long runs.
                size = _ROWS_PER_READ if any(row.entry for row in found) else min(10 * size, _MAX_ROWS_PER_READ)

    # Tallies: which comments are counted

    async def tally(self, ref: PartitionRef, comment_ids: Collection[int]) -> Tally:
        partition = await self._session.execute(
            "SELECT DISTINCT post_id, month, count, revision FROM comment_tallies WHERE post_id = ? AND month = ?", *ref
        )
        if not partition or partition[0]["revision"] is None:
            return Tally()
        rows = await self._session.execute(
            "SELECT comment_id, state, replies FROM comment_tallies"
            " WHERE post_id = ? AND month = ? AND comment_id IN ?",
            *ref,
            sorted(comment_ids),
        )
        return Tally(
            partition[0]["count"],
            partition[0]["revision"],
            {row["comment_id"]: Tallied(State(row["state"]), row["replies"]) for row in rows},
        )

    async def replace_tally(self, ref: PartitionRef, read: Tally, counted: Tally) -> bool:
        """Writes a tally in place of the one that was read; returns False if another writer was first.

        The rows have conditions of their own: revision and rows are read one after the other, so a row may be older
        than the revision.
        """
        statements = [
            "UPDATE comment_tallies SET count = ?, revision = ? WHERE post_id = ? AND month = ? IF revision = ?"
        ]
        values: list[object] = [counted.count, counted.revision, *ref, read.revision or None]
        for comment_id, row in counted.rows.items():
            before = read.rows.get(comment_id)
            if row != before:
                statements.append(
                    "UPDATE comment_tallies SET state = ?, replies = ? WHERE post_id = ? AND month = ?"
                    " AND comment_id = ? IF state = ? AND replies = ?"
                )
                values += [str(row.state), row.replies, *ref, comment_id]
                values += [str(before.state), before.replies] if before else [None, None]
        answer = await self._session.execute(
            f"BEGIN BATCH {'; '.join(statements)}; APPLY BATCH",  # the statements above, as many of the second
            *values,
        )
        return bool(answer[0]["[applied]"])

    async def forget_tallies(self, post_id: int) -> None:
        """Removes what is counted of a deleted post."""
        for month in await self.months_of(post_id):
            cql = "DELETE FROM comment_tallies USING TIMESTAMP ? WHERE post_id = ? AND month = ?"
            await self._session.execute(cql, FINAL, post_id, month)

    async def forget_account(self, account_id: int, until: int) -> None:
        """Removes the list of an account's comments, all of which are deleted. Nothing that arrives later is stored."""
        for month in months_between(account_id, until):
            cql = "DELETE FROM comments_by_account USING TIMESTAMP ? WHERE account_id = ? AND month = ?"
            await self._session.execute(cql, FINAL, account_id, month)

    # Reconciliation

    async def partitions(self) -> AsyncGenerator[PartitionRef, None]:
        """All partitions of all posts' tallies."""
        async for row in self._session.rows("SELECT DISTINCT post_id, month FROM comment_tallies"):
            yield PartitionRef(row["post_id"], row["month"])

    async def months_of(self, thread_id: int) -> list[int]:
        """The months in which a thread has comments."""
        rows = await self._session.execute("SELECT month FROM months_by_thread WHERE thread_id = ?", thread_id)
        return [row["month"] for row in rows]

    async def changes_in(self, ref: PartitionRef) -> AsyncGenerator[Change, None]:
        """All comments of a partition and their replies, as they should be counted: a reply is gone with its parent."""
        async for root_id, root_gone in self._thread(ref):
            yield Change(root_id, root_id, root_gone)
            for month in await self.months_of(root_id):
                async for reply_id, gone in self._thread(PartitionRef(root_id, month)):
                    yield Change(reply_id, root_id, gone or root_gone)

    async def _thread(self, ref: PartitionRef) -> AsyncGenerator[tuple[int, bool], None]:
        cql = "SELECT comment_id, deleted FROM comments_by_thread WHERE thread_id = ? AND month = ?"
        async for row in self._session.rows(cql, *ref):
            yield row["comment_id"], bool(row["deleted"])
