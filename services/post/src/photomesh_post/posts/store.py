"""Photos and posts in Cassandra."""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from photomesh_post.posts.domain import (
    Author,
    Claim,
    Listed,
    Month,
    MonthCount,
    Photo,
    Post,
    PostRef,
    PostStatus,
    Standing,
)
from photomesh_post.posts.projection import RowWrite, month_of
from photomesh_post.posts.rows import author_of, metadata_of, photo_of, post_of, ref_of, standing_of
from photomesh_shared.backoff import Backoff
from photomesh_shared.batch_loader import BatchLoader
from photomesh_shared.cassandra import CassandraSession
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import PhotoMetadata
from photomesh_shared.single_flight import SingleFlight

__all__ = ["CassandraStore", "write_row"]

_REFS_PER_READ = 100
_STANDINGS_PER_READ = 20
_WRITER_SECONDS = 20  # longer than any write may take; then a crashed writer is in nobody's way any more
_PATIENCE_SECONDS = 10.0
_BACKOFF = Backoff(base=0.01, cap=0.2)  # between looks whether another writer is done


async def write_row(session: CassandraSession, row: RowWrite) -> None:
    cells = {**row.key, **row.cells}
    names, marks = ", ".join(cells), ", ".join("?" * len(cells))
    # The names come from projections, never from a request.
    cql = f"INSERT INTO {row.table} ({names}) VALUES ({marks}) USING TIMESTAMP ?"  # noqa: S608
    await session.execute(cql, *cells.values(), row.timestamp)


class CassandraStore:
    """See `photomesh_post.posts.service.Store`. Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._standings = BatchLoader(self._read_standings, max_batch=_STANDINGS_PER_READ)
        self._posts = SingleFlight[Post | None]()

    async def ping(self) -> None:
        await self._session.execute("SELECT release_version FROM system.local")

    # Rows that follow from events

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await asyncio.gather(*(write_row(self._session, row) for row in rows))

    async def photo(self, photo_id: int) -> Photo | None:
        row = await self._one("SELECT * FROM photos WHERE photo_id = ?", photo_id)
        return photo_of(row) if row else None

    async def metadata(self, photo_id: int) -> PhotoMetadata | None:
        row = await self._one("SELECT * FROM photo_metadata WHERE photo_id = ?", photo_id)
        return metadata_of(row) if row else None

    async def post(self, post_id: int) -> Post | None:
        return await self._posts.run(post_id, lambda: self._post(post_id))

    async def _post(self, post_id: int) -> Post | None:
        rows = await self._session.execute("SELECT * FROM posts WHERE post_id = ?", post_id)
        return post_of(rows[0]) if rows else None

    async def posts(self, post_ids: Collection[int]) -> dict[int, Post]:
        rows = await self._session.read("SELECT * FROM posts WHERE post_id IN ?", tuple(sorted(post_ids)))
        return {post.id: post for row in rows if (post := post_of(row))}

    async def author(self, user_id: int) -> Author:
        return author_of(user_id, await self._one("SELECT * FROM accounts WHERE user_id = ?", user_id))

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        """Those of the accounts that are known."""
        rows = await self._session.read("SELECT * FROM accounts WHERE user_id IN ?", tuple(sorted(account_ids)))
        return {row["user_id"]: author_of(row["user_id"], row) for row in rows}

    async def standing(self, viewer_id: int, account_id: int) -> Standing:
        return await self._standings.load((account_id, viewer_id)) or standing_of(None)

    async def _read_standings(self, keys: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Standing]:
        """By account and viewer: all who look at somebody at the same time are looked up together."""
        viewers: defaultdict[int, list[int]] = defaultdict(list)
        for account_id, viewer_id in keys:
            viewers[account_id].append(viewer_id)
        cql = (
            "SELECT account_id, other_id, follows, blocks, blocked_by FROM relations"
            " WHERE account_id IN ? AND other_id = ?"
        )
        found = await asyncio.gather(
            *(self._session.execute(cql, viewer_ids, account_id) for account_id, viewer_ids in viewers.items())
        )
        return {(row["other_id"], row["account_id"]): standing_of(row) for rows in found for row in rows}

    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]:
        rows = await self._session.read(
            "SELECT other_id, blocks, blocked_by FROM relations WHERE account_id = ? AND other_id IN ?",
            viewer_id,
            tuple(sorted(account_ids)),
        )
        return {row["other_id"] for row in rows if standing_of(row).blocked}

    async def posts_of(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]:
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

    async def months_of(self, author_ids: Collection[int]) -> dict[int, list[Month]]:
        """The months in which each author has posts, newest first."""
        months: dict[int, list[Month]] = {}
        cql = "SELECT author_id, month, published FROM months_by_author WHERE author_id IN ?"
        async for row in self._session.rows(cql, list(author_ids)):
            months.setdefault(row["author_id"], []).append(Month(row["month"], row["published"]))
        return months

    async def listed(self, author_ids: Collection[int], month: int, *, before: int, limit: int) -> dict[int, Listed]:
        """Of each author's month the newest `limit` posts with smaller ids than `before`."""
        found: dict[int, list[PostRef | None]] = {}
        cql = (
            "SELECT author_id, post_id, status, deleted FROM posts_by_author"
            " WHERE author_id IN ? AND month = ? AND post_id < ? PER PARTITION LIMIT ?"
        )
        async for row in self._session.rows(cql, list(author_ids), month, before, limit):
            found.setdefault(row["author_id"], []).append(ref_of(row))
        return {
            author_id: Listed(
                tuple(ref.id for ref in refs if ref and ref.status is PostStatus.PUBLISHED), whole=len(refs) < limit
            )
            for author_id, refs in found.items()
        }

    async def count_posts(self, author_id: int, month: int) -> int:
        """Counts the published posts of an author's month, and keeps the number. Whoever counts at the same time does
        no harm: the count of the latest state wins."""
        cql = "SELECT post_id, status, deleted FROM posts_by_author WHERE author_id = ? AND month = ?"
        refs = [ref_of(row) async for row in self._session.rows(cql, author_id, month)]
        counted = MonthCount.of(ref.status if ref else None for ref in refs)
        await self._session.execute(
            "INSERT INTO months_by_author (author_id, month, published) VALUES (?, ?, ?) USING TIMESTAMP ?",
            author_id,
            month,
            counted.published,
            counted.progress,
        )
        return counted.published

    # Lightweight transactions. Each may have happened although no answer came, so each can be repeated.

    async def claim_of(self, photo_id: int) -> Claim | None:
        row = await self._one("SELECT post_id, fingerprint FROM photo_claims WHERE photo_id = ?", photo_id)
        return Claim(row["post_id"], row["fingerprint"]) if row else None

    async def claim(self, photo_id: int, claim: Claim) -> Claim:
        """Claims a photo for a post, unless another has it; the claim that stands."""
        answer = await self._session.execute(
            "INSERT INTO photo_claims (photo_id, post_id, fingerprint) VALUES (?, ?, ?) IF NOT EXISTS",
            photo_id,
            claim.post_id,
            claim.fingerprint,
        )
        row = answer[0]
        return claim if row["[applied]"] else Claim(row["post_id"], row["fingerprint"])

    async def take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool:
        """Moves a photo from one post to another; False if the first no longer has it."""
        answer = await self._session.execute(
            "UPDATE photo_claims SET post_id = ?, fingerprint = ? WHERE photo_id = ? IF post_id = ?",
            claim.post_id,
            claim.fingerprint,
            photo_id,
            held.post_id,
        )
        return bool(answer[0]["[applied]"]) or answer[0].get("post_id") == claim.post_id

    async def release(self, photo_id: int, claim: Claim) -> None:
        """Frees a photo, if the claim still stands."""
        await self._session.execute(
            "DELETE FROM photo_claims WHERE photo_id = ? IF post_id = ?", photo_id, claim.post_id
        )

    @asynccontextmanager
    async def writing(self, post_id: int) -> AsyncIterator[None]:
        """One writer of a post at a time. Raises Unavailable when another does not come to an end."""
        token = secrets.token_hex(8)
        deadline = self._clock.monotonic() + _PATIENCE_SECONDS
        pauses = _BACKOFF.delays()
        while not await self._become_writer(post_id, token):
            if self._clock.monotonic() >= deadline:
                raise Unavailable("Somebody else is writing this post.")
            await self._clock.sleep(next(pauses))
        try:
            yield
        finally:
            with suppress(Unavailable):  # the row expires by itself
                await self._session.execute("DELETE FROM post_writers WHERE post_id = ? IF writer = ?", post_id, token)

    async def _become_writer(self, post_id: int, token: str) -> bool:
        answer = await self._session.execute(
            "INSERT INTO post_writers (post_id, writer) VALUES (?, ?) IF NOT EXISTS USING TTL ?",
            post_id,
            token,
            _WRITER_SECONDS,
        )
        return bool(answer[0]["[applied]"]) or answer[0]["writer"] == token

    async def _one(self, cql: str, key: int) -> Mapping[str, Any] | None:
        rows = await self._session.read(cql, key)
        return rows[0] if rows else None
