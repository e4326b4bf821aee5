"""The partitions of counted comments, as `reconciling.Reconciliation` goes through them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from photomesh_post.comments.store import CassandraComments
from photomesh_post.comments.tallies import Change, Tally
from photomesh_post.counts.reconciliation import Balance, Place
from photomesh_post.likes.domain import Counts
from photomesh_post.likes.store import CassandraLikes
from photomesh_shared.cassandra import CassandraSession

__all__ = ["CommentsLedger"]

_TOGETHER = 25


@dataclass(frozen=True)
class _Row:
    comment_id: int
    root_id: int
    gone: bool

    @property
    def change(self) -> Change:
        return Change(self.comment_id, self.root_id, self.gone)


class CommentsLedger:
    """See `reconciling.Ledger`. A place is a post and a month: its comments of that month, with all their replies."""

    name = "comments"

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._comments = CassandraComments(session)
        self._likes = CassandraLikes(session)

    async def places(self, subject_id: int | None) -> AsyncGenerator[Place, None]:
        if subject_id is not None:
            for row in await self._session.execute(
                "SELECT month FROM months_by_thread WHERE thread_id = ?", subject_id
            ):
                yield Place(subject_id, row["month"])
            return
        async for row in self._session.rows("SELECT DISTINCT post_id, month FROM comment_tallies"):
            yield Place(row["post_id"], row["month"])

    async def balance(self, place: Place) -> Balance | None:
        counts = (await self._likes.counts([place.subject_id])).get(place.subject_id, Counts())
        tally = await self._comments.tally(place.subject_id, place.number, ())
        held = len([row async for row in self._rows(place) if not row.gone])
        if (await self._comments.tally(place.subject_id, place.number, ())).revision != tally.revision:
            return None
        return Balance(held, tally.count, counts.by_month.get(place.number, 0), tally.revision)

    async def correct(self, place: Place, balance: Balance, revision: int) -> bool:
        """First what is remembered of each comment, or the next event of one would be counted wrongly."""
        part: list[_Row] = []
        async for row in self._rows(place):
            part.append(row)
            if len(part) == _TOGETHER:
                if not await self._mark(place, part):
                    return False
                part = []
        if not await self._mark(place, part):
            return False
        read = await self._comments.tally(place.subject_id, place.number, ())
        right = Tally(balance.held, max(revision, read.revision + 1))
        if not await self._comments.replace_tally(place.subject_id, place.number, read, right):
            return False
        await self._comments.show_tally(place.subject_id, place.number, right)
        return True

    async def _mark(self, place: Place, rows: list[_Row]) -> bool:
        comment_ids = {comment_id for row in rows for comment_id in (row.comment_id, row.root_id)}
        read = await self._comments.tally(place.subject_id, place.number, comment_ids)
        marked = read.after(row.change for row in rows)
        if marked is read:
            return True
        return await self._comments.replace_tally(place.subject_id, place.number, read, marked)

    async def _rows(self, place: Place) -> AsyncGenerator[_Row, None]:
        """All comments of the place and their replies; a reply is gone with its parent."""
        async for root in self._thread(place.subject_id, place.number):
            yield _Row(root.comment_id, root.comment_id, root.gone)
            months = await self._session.execute(
                "SELECT month FROM months_by_thread WHERE thread_id = ?", root.comment_id
            )
            for month in (row["month"] for row in months):
                async for reply in self._thread(root.comment_id, month):
                    yield replace(reply, root_id=root.comment_id, gone=reply.gone or root.gone)

    async def _thread(self, thread_id: int, month: int) -> AsyncGenerator[_Row, None]:
        cql = "SELECT comment_id, deleted FROM comments_by_thread WHERE thread_id = ? AND month = ?"
        async for row in self._session.rows(cql, thread_id, month):
            yield _Row(row["comment_id"], row["comment_id"], bool(row["deleted"]))
