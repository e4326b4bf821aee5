"""Accounts, photos and posts in memory.

`tests/integration/post/posts/test_store.py` holds these stores and the real ones to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from photomesh_post.accounts.avatars import StoredAvatar
from photomesh_post.accounts.domain import Author, Standing
from photomesh_post.accounts.projection import author_of, standing_of
from photomesh_post.photos.domain import Photo
from photomesh_post.photos.projection import metadata_of, photo_of
from photomesh_post.posts.domain import Claim, Post, PostRef, PostStatus
from photomesh_post.posts.months import Month, MonthCount, MonthHead, MonthPage
from photomesh_post.posts.projection import post_of, ref_of
from photomesh_post.tables.rows import RowWrite, month_of
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import PhotoMetadata
from tests.support.post.memory_tables import MemoryTables

__all__ = ["MemoryAccounts", "MemoryPhotos", "MemoryPosts"]


@dataclass
class MemoryAccounts:
    tables: MemoryTables = field(default_factory=MemoryTables)

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self.tables.write(rows)

    async def forget(self, account_id: int) -> int:
        await self.tables.step()
        relations = [key for table, key in self.tables.cells if table == "relations" and key[0] == account_id]
        for _, other_id in relations:
            self.tables.forget(table="relations", account_id=other_id, other_id=account_id)
        names = [key[0] for table, key in self.tables.cells if table == "usernames_by_account" and key[1] == account_id]
        for username in names:
            self.tables.forget(table="accounts_by_username", username=username, user_id=account_id)
            self.tables.forget(table="usernames_by_account", username=username, user_id=account_id)
        self.tables.forget(table="accounts", user_id=account_id)
        return self.tables.forget(table="relations", account_id=account_id)

    async def author(self, account_id: int) -> Author:
        await self.tables.step()
        return author_of(account_id, self.tables.row("accounts", user_id=account_id))

    async def avatar(self, account_id: int) -> StoredAvatar | None:
        await self.tables.step()
        cells = self.tables.cells.get(("accounts", (account_id,)))
        return StoredAvatar(cells["avatar_url"][1], cells["username"][0]) if cells else None

    async def authors(self, account_ids: Collection[int]) -> dict[int, Author]:
        await self.tables.step()
        rows = {account_id: self.tables.row("accounts", user_id=account_id) for account_id in account_ids}
        return {account_id: author_of(account_id, row) for account_id, row in rows.items() if row}

    async def accounts_named(self, usernames: Collection[str]) -> dict[str, Author]:
        named = {key[1] for table, key in self.tables.cells if table == "accounts_by_username" and key[0] in usernames}
        authors = await self.authors(named)
        return {
            name: author
            for author in authors.values()
            if (name := author.username) and name in usernames and not author.hidden
        }

    async def standing(self, viewer_id: int, account_id: int) -> Standing:
        await self.tables.step()
        return standing_of(self.tables.row("relations", account_id=viewer_id, other_id=account_id))

    async def standings(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Standing]:
        await self.tables.step()
        rows = {other: self.tables.row("relations", account_id=viewer_id, other_id=other) for other in account_ids}
        return {other: standing_of(row) for other, row in rows.items() if row}

    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]:
        await self.tables.step()
        rows = {other: self.tables.row("relations", account_id=viewer_id, other_id=other) for other in account_ids}
        return {other for other, row in rows.items() if standing_of(row).blocked}


@dataclass
class MemoryPhotos:
    tables: MemoryTables = field(default_factory=MemoryTables)

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self.tables.write(rows)

    async def photo(self, photo_id: int) -> Photo | None:
        await self.tables.step()
        row = self.tables.row("photos", photo_id=photo_id)
        return photo_of(row) if row else None

    async def photos_of_owner(self, owner_id: int, *, after: int, until: int) -> AsyncGenerator[int, None]:
        for table, key in sorted(self.tables.cells):
            if table == "photos_by_owner" and key[0] == owner_id and after < key[2] <= until:
                await self.tables.step()
                yield key[2]

    async def forget(self, owner_id: int, photo_id: int) -> None:
        await self.tables.step()
        self.tables.forget(table="photos", photo_id=photo_id)
        self.tables.forget(table="photo_metadata", photo_id=photo_id)
        self.tables.forget(table="photos_by_owner", owner_id=owner_id, month=month_of(photo_id), photo_id=photo_id)

    async def metadata(self, photo_id: int) -> PhotoMetadata | None:
        await self.tables.step()
        row = self.tables.row("photo_metadata", photo_id=photo_id)
        return metadata_of(row) if row else None


@dataclass
class MemoryPosts:
    tables: MemoryTables = field(default_factory=MemoryTables)
    claims: dict[int, Claim] = field(default_factory=dict)
    ended_turns: set[int] = field(default_factory=set)
    """Posts whose writers find that their turn has ended."""
    _locks: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self.tables.write(rows)

    async def post(self, post_id: int) -> Post | None:
        await self.tables.step()
        row = self.tables.row("posts", post_id=post_id)
        return post_of(row) if row else None

    async def posts(self, post_ids: Collection[int]) -> dict[int, Post]:
        found = [await self.post(post_id) for post_id in post_ids]
        return {post.id: post for post in found if post}

    async def posts_by_author(self, author_id: int, *, before: int) -> AsyncGenerator[PostRef, None]:
        months = {key[1] for table, key in self.tables.cells if table == "months_by_author" and key[0] == author_id}
        rows = [
            {"post_id": key[2], **{name: value for name, (_, value) in cells.items()}}
            for (table, key), cells in self.tables.cells.items()
            if table == "posts_by_author" and key[0] == author_id and key[1] in months and key[2] < before
        ]
        for row in sorted(rows, key=lambda row: -row["post_id"]):
            await self.tables.step()
            assert month_of(row["post_id"]) in months
            if ref := ref_of(row):
                yield ref

    async def forget(self, author_id: int, post_id: int) -> None:
        await self.tables.step()
        self.tables.forget(table="posts", post_id=post_id)
        self.tables.forget(table="posts_by_author", author_id=author_id, month=month_of(post_id), post_id=post_id)

    async def forget_author(self, author_id: int) -> None:
        await self.tables.step()
        for table, key in list(self.tables.cells):
            if table == "posts_by_author" and key[0] == author_id:
                self.tables.forget(table="posts", post_id=key[2])
        self.tables.forget(table="posts_by_author", author_id=author_id)
        self.tables.forget(table="months_by_author", author_id=author_id)

    async def months_of(self, author_ids: Collection[int]) -> dict[int, list[Month]]:
        await self.tables.step()
        months: dict[int, list[Month]] = {}
        for (table, key), cells in sorted(self.tables.cells.items(), reverse=True):
            if table == "months_by_author" and key[0] in author_ids:
                months.setdefault(key[0], []).append(Month(key[1], cells.get("published", (0, None))[1]))
        return months

    async def month_heads(self, author_ids: Collection[int], *, months: int) -> dict[int, list[MonthHead]]:
        await self.tables.step()
        heads: dict[int, list[MonthHead]] = {}
        for (table, key), cells in sorted(self.tables.cells.items(), reverse=True):
            if table == "months_by_author" and key[0] in author_ids and len(heads.get(key[0], ())) < months:
                newest = cells.get("newest", (0, None))[1]
                heads.setdefault(key[0], []).append(MonthHead(key[1], None if newest is None else tuple(newest)))
        return heads

    async def month_pages(
        self, author_ids: Collection[int], month: int, *, before: int, limit: int
    ) -> dict[int, MonthPage]:
        await self.tables.step()
        found = {}
        for author_id in author_ids:
            refs = [ref_of(row) for row in self._rows(author_id, month) if row["post_id"] < before][:limit]
            published = (ref.id for ref in refs if ref and ref.status is PostStatus.PUBLISHED)
            found[author_id] = MonthPage(tuple(published), whole=len(refs) < limit)
        return found

    async def count_month(self, author_id: int, month: int) -> int:
        refs = [ref_of(row) for row in self._rows(author_id, month)]
        counted = MonthCount.of(refs)
        key = {"author_id": author_id, "month": month}
        cells = {"published": counted.published, "newest": list(counted.newest)}
        await self.write([RowWrite("months_by_author", key, counted.progress, cells)])
        return counted.published

    def _rows(self, author_id: int, month: int) -> list[dict[str, Any]]:
        """Newest first."""
        keys = [key for table, key in self.tables.cells if table == "posts_by_author" and key[:2] == (author_id, month)]
        rows = (self.tables.row("posts_by_author", author_id=author_id, month=month, post_id=key[2]) for key in keys)
        return sorted((row for row in rows if row), key=lambda row: -row["post_id"])

    async def claim_of(self, photo_id: int) -> Claim | None:
        await self.tables.step()
        return self.claims.get(photo_id)

    async def claim(self, photo_id: int, claim: Claim) -> Claim:
        await self.tables.step()
        return self.claims.setdefault(photo_id, claim)

    async def take_over(self, photo_id: int, held: Claim, claim: Claim) -> bool:
        await self.tables.step()
        now = self.claims.get(photo_id)
        if now is not None and now.post_id == held.post_id:
            self.claims[photo_id] = claim
        return now is not None and now.post_id in (held.post_id, claim.post_id)

    async def release(self, photo_id: int, claim: Claim) -> None:
        await self.tables.step()
        if photo_id in self.claims and self.claims[photo_id].post_id == claim.post_id:
            del self.claims[photo_id]

    @asynccontextmanager
    async def lock(self, post_id: int) -> AsyncIterator[MemoryTurn]:
        await self.tables.step()
        async with self._locks[post_id]:
            yield MemoryTurn(self, post_id)


@dataclass
class MemoryTurn:
    posts: MemoryPosts
    post_id: int

    async def check(self) -> None:
        if self.post_id in self.posts.ended_turns:
            raise Unavailable("Another writer has the post.")
