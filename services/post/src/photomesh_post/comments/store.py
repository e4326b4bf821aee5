"""Comments in Cassandra."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Sequence

from photomesh_post.comments.domain import Comment, Entry, comment_of, entry_of
from photomesh_post.comments.tallies import State, Tallied, Tally
from photomesh_post.posts.domain import Author
from photomesh_post.posts.projection import RowWrite, month_of
from photomesh_post.posts.rows import author_of
from photomesh_post.posts.store import write_row
from photomesh_shared.cassandra import CassandraSession

__all__ = ["CassandraComments"]

_ENTRIES_PER_READ = 100


class CassandraComments:
    """See `photomesh_post.comments.service.Store`. Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await asyncio.gather(*(write_row(self._session, row) for row in rows))

    async def comment(self, comment_id: int) -> Comment | None:
        rows = await self._session.read("SELECT * FROM comments WHERE comment_id = ?", comment_id)
        return comment_of(rows[0]) if rows else None

    async def newest_of(self, thread_id: int, *, before: int) -> AsyncGenerator[Entry, None]:
        """A thread's comments with smaller ids than `before`, newest first, as long as the caller takes them."""
        months = await self._session.read(
            "SELECT month FROM months_by_thread WHERE thread_id = ? AND month <= ?", thread_id, month_of(before)
        )
        cql = (
            "SELECT comment_id, author_id, body, deleted FROM comments_by_thread"
            " WHERE thread_id = ? AND month = ? AND comment_id < ? LIMIT ?"
        )
        async for entry in self._entries(cql, thread_id, [row["month"] for row in months], before):
            yield entry

    async def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[Entry, None]:
        """A thread's comments with larger ids than `after`, oldest first, as long as the caller takes them."""
        months = await self._session.read(
            "SELECT month FROM months_by_thread WHERE thread_id = ? AND month >= ? ORDER BY month ASC",
            thread_id,
            month_of(after),
        )
        cql = (
            "SELECT comment_id, author_id, body, deleted FROM comments_by_thread"
            " WHERE thread_id = ? AND month = ? AND comment_id > ? ORDER BY comment_id ASC LIMIT ?"
        )
        async for entry in self._entries(cql, thread_id, [row["month"] for row in months], after):
            yield entry

    async def _entries(
        self, cql: str, thread_id: int, months: Sequence[int], start: int
    ) -> AsyncGenerator[Entry, None]:
        for month in months:
            last = start
            while True:
                rows = await self._session.read(cql, thread_id, month, last, _ENTRIES_PER_READ)
                for row in rows:
                    last = row["comment_id"]
                    if entry := entry_of(row):
                        yield entry
                if len(rows) < _ENTRIES_PER_READ:
                    break

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        """Of these accounts, those that are known."""
        rows = await self._session.read("SELECT * FROM accounts WHERE user_id IN ?", tuple(sorted(account_ids)))
        return {row["user_id"]: author_of(row["user_id"], row) for row in rows}

    # Which comments are counted

    async def tally(self, post_id: int, month: int, comment_ids: Collection[int]) -> Tally:
        partition = await self._session.execute(
            "SELECT DISTINCT post_id, month, count, revision FROM comment_tallies WHERE post_id = ? AND month = ?",
            post_id,
            month,
        )
        if not partition or partition[0]["revision"] is None:
            return Tally()
        rows = await self._session.execute(
            "SELECT comment_id, state, replies FROM comment_tallies"
            " WHERE post_id = ? AND month = ? AND comment_id IN ?",
            post_id,
            month,
            sorted(comment_ids),
        )
        return Tally(
            partition[0]["count"],
            partition[0]["revision"],
            {row["comment_id"]: Tallied(State(row["state"]), row["replies"]) for row in rows},
        )

    async def replace_tally(self, post_id: int, month: int, read: Tally, counted: Tally) -> bool:
        """Writes a tally in the place of the one that was read; False if it is no longer that one.

        The rows have conditions of their own: what was read of them may be older than the revision, as the two were
        read one after the other.
        """
        statements = [
            "UPDATE comment_tallies SET count = ?, revision = ? WHERE post_id = ? AND month = ? IF revision = ?"
        ]
        values: list[object] = [counted.count, counted.revision, post_id, month, read.revision or None]
        for comment_id, row in counted.rows.items():
            before = read.rows.get(comment_id)
            if row != before:
                statements.append(
                    "UPDATE comment_tallies SET state = ?, replies = ? WHERE post_id = ? AND month = ?"
                    " AND comment_id = ? IF state = ? AND replies = ?"
                )
                values += [str(row.state), row.replies, post_id, month, comment_id]
                values += [str(before.state), before.replies] if before else [None, None]
        answer = await self._session.execute(
            f"BEGIN BATCH {'; '.join(statements)}; APPLY BATCH",  # the statements above, so many of each
            *values,
        )
        return bool(answer[0]["[applied]"])

    async def show_tally(self, post_id: int, month: int, tally: Tally) -> None:
        """Writes a tally's numbers to the counts that are shown, of the post and of each comment in it."""
        shown = {post_id: tally.count, **{comment_id: row.replies for comment_id, row in tally.rows.items()}}
        await asyncio.gather(
            *(
                self._session.execute(
                    "UPDATE counts USING TIMESTAMP ? SET comments[?] = ? WHERE subject_id = ?",
                    tally.revision,
                    month,
                    count,
                    subject_id,
                )
                for subject_id, count in shown.items()
            )
        )
