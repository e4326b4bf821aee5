"""The service's surroundings in memory.

`tests/integration/post/test_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
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
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, PhotoMetadata

__all__ = ["Log", "MemoryCdn", "MemoryObjects", "MemoryStore"]

Key = tuple[str, tuple[int, ...]]


@dataclass
class MemoryStore:
    """Cells with timestamps, as Cassandra merges them: the newest wins, and of two equally new the larger value."""

    cells: defaultdict[Key, dict[str, tuple[int, Any]]] = field(default_factory=lambda: defaultdict(dict))
    claims: dict[int, Claim] = field(default_factory=dict)
    away: bool = False
    _writers: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def _answer(self) -> None:
        if self.away:
            raise Unavailable
        await asyncio.sleep(0)  # others come between any two statements

    def row(self, table: str, **key: int) -> dict[str, Any] | None:
        cells = self.cells.get((table, tuple(key.values())))
        return None if cells is None else key | {name: value for name, (_, value) in cells.items()}

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self._answer()
        for row in rows:
            cells = self.cells[row.table, tuple(row.key.values())]
            for name, value in row.cells.items():
                if name not in cells or (row.timestamp, repr(value)) > (cells[name][0], repr(cells[name][1])):
                    cells[name] = (row.timestamp, value)

    async def photo(self, photo_id: int) -> Photo | None:
        await self._answer()
        row = self.row("photos", photo_id=photo_id)
        return photo_of(row) if row else None

    async def metadata(self, photo_id: int) -> PhotoMetadata | None:
        await self._answer()
        row = self.row("photo_metadata", photo_id=photo_id)
        return metadata_of(row) if row else None

    async def post(self, post_id: int) -> Post | None:
        await self._answer()
        row = self.row("posts", post_id=post_id)
        return post_of(row) if row else None

    async def posts(self, post_ids: Collection[int]) -> dict[int, Post]:
        found = [await self.post(post_id) for post_id in post_ids]
        return {post.id: post for post in found if post}

    def _listed(self, author_id: int, month: int) -> list[dict[str, Any]]:
        """Newest first."""
        keys = [key for table, key in self.cells if table == "posts_by_author" and key[:2] == (author_id, month)]
        rows = (self.row("posts_by_author", author_id=author_id, month=month, post_id=key[2]) for key in keys)
        return sorted((row for row in rows if row), key=lambda row: -row["post_id"])

    async def months_of(self, author_ids: Collection[int]) -> dict[int, list[Month]]:
        await self._answer()
        months: dict[int, list[Month]] = {}
        for (table, key), cells in sorted(self.cells.items(), reverse=True):
            if table == "months_by_author" and key[0] in author_ids:
                months.setdefault(key[0], []).append(Month(key[1], cells.get("published", (0, None))[1]))
        return months

    async def listed(self, author_ids: Collection[int], month: int, *, before: int, limit: int) -> dict[int, Listed]:
        await self._answer()
        found = {}
        for author_id in author_ids:
            refs = [ref_of(row) for row in self._listed(author_id, month) if row["post_id"] < before][:limit]
            published = (ref.id for ref in refs if ref and ref.status is PostStatus.PUBLISHED)
            found[author_id] = Listed(tuple(published), whole=len(refs) < limit)
        return found

    async def count_posts(self, author_id: int, month: int) -> int:
        refs = [ref_of(row) for row in self._listed(author_id, month)]
        counted = MonthCount.of(ref.status if ref else None for ref in refs)
        key = {"author_id": author_id, "month": month}
        await self.write([RowWrite("months_by_author", key, counted.progress, {"published": counted.published})])
        return counted.published

    async def author(self, user_id: int) -> Author:
        await self._answer()
        return author_of(user_id, self.row("accounts", user_id=user_id))

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        await self._answer()
        rows = {account_id: self.row("accounts", user_id=account_id) for account_id in account_ids}
        return {account_id: author_of(account_id, row) for account_id, row in rows.items() if row}

    async def standing(self, viewer_id: int, account_id: int) -> Standing:
        await self._answer()
        return standing_of(self.row("relations", account_id=viewer_id, other_id=account_id))

    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]:
        await self._answer()
        rows = {other: self.row("relations", account_id=viewer_id, other_id=other) for other in account_ids}
        return {other for other, row in rows.items() if standing_of(row).blocked}

    async def posts_of(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]:
        months = {key[1] for table, key in self.cells if table == "months_by_author" and key[0] == author_id}
        rows = [
            {"post_id": key[2], **{name: value for name, (_, value) in cells.items()}}
            for (table, key), cells in self.cells.items()
            if table == "posts_by_author" and key[0] == author_id and key[1] in months and key[2] < before
        ]
        for row in sorted(rows, key=lambda row: -row["post_id"]):
            await self._answer()
            assert month_of(row["post_id"]) in months
            if ref := ref_of(row):
                yield ref

    async def claim_of(self, photo_id: int) -> Claim | None:
        await self._answer()
        return self.claims.get(photo_id)

    async def claim(self, photo_id: int, claim: Claim) -> Claim:
        await self._answer()
        return self.claims.setdefault(photo_id, claim)

    async def take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool:
        await self._answer()
        now = self.claims.get(photo_id)
        if now is not None and now.post_id == held.post_id:
            self.claims[photo_id] = claim
        return now is not None and now.post_id in (held.post_id, claim.post_id)

    async def release(self, photo_id: int, claim: Claim) -> None:
        await self._answer()
        if photo_id in self.claims and self.claims[photo_id].post_id == claim.post_id:
            del self.claims[photo_id]

    @asynccontextmanager
    async def writing(self, post_id: int) -> AsyncIterator[None]:
        await self._answer()
        async with self._writers[post_id]:
            yield


@dataclass
class Log:
    """Kafka as far as the service sees it. `lost` makes the next answers get lost: the event is in the log or not."""

    events: list[Envelope[Event]] = field(default_factory=list)
    lost: list[bool] = field(default_factory=list)

    async def publish(self, envelope: Envelope[Event]) -> None:
        await asyncio.sleep(0)
        if not self.lost:
            self.events.append(envelope)
            return
        if self.lost.pop(0):
            self.events.append(envelope)
        raise Unavailable

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        for envelope in envelopes:
            await self.publish(envelope)

    async def send(self, records: Sequence[object]) -> None:
        raise AssertionError("the service writes events, not records")

    def types(self) -> list[str]:
        return [envelope.data.type_.split(".")[-2] for envelope in self.events]


@dataclass
class MemoryObjects:
    removed: list[int] = field(default_factory=list)

    async def remove(self, photo: Photo) -> Sequence[str]:
        self.removed.append(photo.id)
        return [variant.key for variant in photo.variants]


@dataclass
class MemoryCdn:
    purged: list[str] = field(default_factory=list)

    async def purge(self, keys: Sequence[str]) -> None:
        self.purged += keys
