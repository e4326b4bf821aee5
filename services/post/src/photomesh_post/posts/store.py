"""Posts and claims of photos in Cassandra."""

from __future__ import annotations

import math
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress

from photomesh_post.posts.domain import Claim, Post, PostRef, PostStatus
from photomesh_post.posts.months import Month, MonthCount, MonthHead, MonthPage
from photomesh_post.posts.projection import post_of, ref_of
from photomesh_post.tables.rows import FINAL, RowWrite, month_of
from photomesh_post.tables.store import PARTITIONS_PER_STATEMENT, read_by_id, write_rows
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.errors import Unavailable
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraPosts", "CassandraTurn"]

_REFS_PER_READ = 100
_LOCK_TTL_SECONDS = 20  # longer than any write may take; a crashed writer blocks nobody after that
_LOCK_WAIT_SECONDS = 10.0
_TURN_CHECK_SECONDS = 5.0  # plus the 10 s that producing may take, a turn ends well before its row does
_OTHER_WRITER = "The post is being written by another request."
_BACKOFF = Backoff(base=0.01, cap=0.2)  # between two attempts to lock


class CassandraPosts:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._posts = BatchLoader(self._read_posts, max_batch=PARTITIONS_PER_STATEMENT)

    # Rows written from events

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await write_rows(self._session, rows)

    async def post(self, post_id: int) -> Post | None:
        return await self._posts.load(post_id)

    async def _read_posts(self, post_ids: Sequence[int]) -> dict[int, Post]:
        rows = await read_by_id(self._session, "SELECT * FROM posts WHERE post_id IN ?", post_ids)
        return {post.id: post for row in rows if (post := post_of(row))}

    async def posts(self, post_ids: Collection[int]) -> dict[int, Post]:
        """Those of the posts that are known, by id."""
        rows = await self._session.read("SELECT * FROM posts WHERE post_id IN ?", tuple(sorted(post_ids)))
        return {post.id: post for row in rows if (post := post_of(row))}

    async def posts_by_author(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]:
        """An author's posts with smaller ids than `before`, newest first, as long as the caller takes them."""
        months = await self._session.read(
            "SELECT month FROM months_by_author WHERE author_id = ? AND month <= ?", author_id, month_of(before)
        )
        for month in (row["month"] for row in months):
            last = before
            while True:
                rows = await self._session.read(
                    "SELECT post_id, status, deleted FROM posts_by_author"
                    " WHERE author_id = ? AND month = ? AND post_id < ? LIMIT ?",
                    author_id,
                    month,
                    last,
                    _REFS_PER_READ,
                )
                for row in rows:
                    if ref := ref_of(row):
                        yield ref
                if len(rows) < _REFS_PER_READ:
                    break
                last = rows[-1]["post_id"]

    async def forget_author(self, author_id: int) -> None:
        """Removes the rows of an author's posts, all of which are deleted. Nothing that arrives later is stored."""
        for month in await self._months(author_id):
            cql = "SELECT post_id FROM posts_by_author WHERE author_id = ? AND month = ?"
            async for row in self._session.rows(cql, author_id, month):
                await self.forget(author_id, row["post_id"])
            cql = "DELETE FROM posts_by_author USING TIMESTAMP ? WHERE author_id = ? AND month = ?"
            await self._session.execute(cql, FINAL, author_id, month)
        await self._session.execute(
            "DELETE FROM months_by_author USING TIMESTAMP ? WHERE author_id = ?", FINAL, author_id
        )

    async def forget(self, author_id: int, post_id: int) -> None:
        """Removes the rows of a deleted post of an author who is gone."""
        await self._session.execute("DELETE FROM posts USING TIMESTAMP ? WHERE post_id = ?", FINAL, post_id)
        await self._session.execute(
            "DELETE FROM posts_by_author USING TIMESTAMP ? WHERE author_id = ? AND month = ? AND post_id = ?",
            FINAL,
            author_id,
            month_of(post_id),
            post_id,
        )

    async def _months(self, author_id: int) -> list[int]:
        rows = await self._session.execute("SELECT month FROM months_by_author WHERE author_id = ?", author_id)
        return [row["month"] for row in rows]

    # Monthly partitions of an author's posts

    async def months_of(self, author_ids: Collection[int]) -> dict[int, list[Month]]:
        """The months in which each author has posts, newest first."""
        months: dict[int, list[Month]] = {}
        cql = "SELECT author_id, month, published FROM months_by_author WHERE author_id IN ?"
        async for row in self._session.rows(cql, list(author_ids)):
            months.setdefault(row["author_id"], []).append(Month(row["month"], row["published"]))
        return months

    async def month_heads(self, author_ids: Collection[int], *, months: int) -> dict[int, list[MonthHead]]:
        """The newest `months` months of each author, newest first, with their newest posts."""
        heads: dict[int, list[MonthHead]] = {}
        cql = "SELECT author_id, month, newest FROM months_by_author WHERE author_id IN ? PER PARTITION LIMIT ?"
        async for row in self._session.rows(cql, list(author_ids), months):
            newest = row["newest"]
            head = MonthHead(row["month"], None if newest is None else tuple(newest))
            heads.setdefault(row["author_id"], []).append(head)
        return heads

    async def month_pages(
        self, author_ids: Collection[int], month: int, *, before: int, limit: int
    ) -> dict[int, MonthPage]:
        """The newest `limit` posts of each author's month with smaller ids than `before`."""
        found: dict[int, list[PostRef | None]] = {}
        cql = (
            "SELECT author_id, post_id, status, deleted FROM posts_by_author"
            " WHERE author_id IN ? AND month = ? AND post_id < ? PER PARTITION LIMIT ?"
        )
        async for row in self._session.rows(cql, list(author_ids), month, before, limit):
            found.setdefault(row["author_id"], []).append(ref_of(row))
        return {
            author_id: MonthPage(
                tuple(ref.id for ref in refs if ref and ref.status is PostStatus.PUBLISHED), whole=len(refs) < limit
            )
            for author_id, refs in found.items()
        }

    async def count_month(self, author_id: int, month: int) -> int:
        """Counts the published posts of an author's month, and stores the count with the newest of them. Concurrent
        counts do no harm: that of the latest state wins."""
        cql = "SELECT post_id, status, deleted FROM posts_by_author WHERE author_id = ? AND month = ?"
        refs = [ref_of(row) async for row in self._session.rows(cql, author_id, month)]
        counted = MonthCount.of(refs)
        await self._session.execute(
            "INSERT INTO months_by_author (author_id, month, published, newest) VALUES (?, ?, ?, ?) USING TIMESTAMP ?",
            author_id,
            month,
            counted.published,
            list(counted.newest),
            counted.progress,
        )
        return counted.published

    # Lightweight transactions. Each may have happened although no answer came, so each can be repeated.

    async def claim_of(self, photo_id: int) -> Claim | None:
        rows = await self._session.read("SELECT post_id, fingerprint FROM photo_claims WHERE photo_id = ?", photo_id)
        return Claim(rows[0]["post_id"], rows[0]["fingerprint"]) if rows else None

    async def claim(self, photo_id: int, claim: Claim) -> Claim:
        """Claims a photo for a post unless another has it; returns the claim that stands."""
        answer = await self._session.execute(
            "INSERT INTO photo_claims (photo_id, post_id, fingerprint) VALUES (?, ?, ?) IF NOT EXISTS",
            photo_id,
            claim.post_id,
            claim.fingerprint,
        )
        row = answer[0]
        return claim if row["[applied]"] else Claim(row["post_id"], row["fingerprint"])

    async def take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool:
        """Moves a photo from one post to another; returns False if the first does not have it."""
        answer = await self._session.execute(
            "UPDATE photo_claims SET post_id = ?, fingerprint = ? WHERE photo_id = ? IF post_id = ?",
            claim.post_id,
            claim.fingerprint,
            photo_id,
            held.post_id,
        )
        return bool(answer[0]["[applied]"]) or answer[0].get("post_id") == claim.post_id

    async def release(self, photo_id: int, claim: Claim) -> None:
        """Frees a photo if the claim still stands."""
        await self._session.execute(
            "DELETE FROM photo_claims WHERE photo_id = ? IF post_id = ?", photo_id, claim.post_id
        )

    @asynccontextmanager
    async def lock(self, post_id: int) -> AsyncIterator[CassandraTurn]:
        """Admits one writer of a post at a time. Raises Unavailable if another does not finish."""
        turn = CassandraTurn(self._session, self._clock, post_id)
        deadline = self._clock.monotonic() + _LOCK_WAIT_SECONDS
        pauses = _BACKOFF.delays()
        while not await turn.acquire():
            if self._clock.monotonic() >= deadline:
                raise Unavailable(_OTHER_WRITER)
            await self._clock.sleep(next(pauses))
        try:
            yield turn
        finally:
            with suppress(Unavailable):  # the row expires by itself
                await turn.release()


class CassandraTurn:
    """A writer's turn on one post: a row that expires. Its writer cannot tell from its own progress whether it still
    has it, because a process may be stopped (SIGSTOP, a frozen machine) anywhere and continue later."""

    def __init__(self, session: CassandraSession, clock: Clock, post_id: int) -> None:
        self._session = session
        self._clock = clock
        self._post_id = post_id
        self.token = secrets.token_hex(8)
        self._known_at = -math.inf  # before the statement that last found the row to be this writer's

    async def acquire(self) -> bool:
        """Returns False if another writer has its turn."""
        asked_at = self._clock.monotonic()
        answer = await self._session.execute(
            "INSERT INTO post_writers (post_id, writer) VALUES (?, ?) IF NOT EXISTS USING TTL ?",
            self._post_id,
            self.token,
            _LOCK_TTL_SECONDS,
        )
        acquired = bool(answer[0]["[applied]"]) or answer[0]["writer"] == self.token
        if acquired:
            self._known_at = asked_at
        return acquired

    async def check(self) -> None:
        """Makes sure that the turn lasts long enough to produce an event. Extends it if it is not new. Raises
        Unavailable if it ended."""
        while self._clock.monotonic() - self._known_at > _TURN_CHECK_SECONDS:  # again if stopped while it was extended
            asked_at = self._clock.monotonic()
            answer = await self._session.execute(
                "UPDATE post_writers USING TTL ? SET writer = ? WHERE post_id = ? IF writer = ?",
                _LOCK_TTL_SECONDS,
                self.token,
                self._post_id,
                self.token,
            )
            if not answer[0]["[applied]"]:
                raise Unavailable(_OTHER_WRITER)
            self._known_at = asked_at

    async def release(self) -> None:
        await self._session.execute(
            "DELETE FROM post_writers WHERE post_id = ? IF writer = ?", self._post_id, self.token
        )
