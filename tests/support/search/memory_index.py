"""An index in memory, with the rules of versions of the real one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from typing import Any

from photomesh_search.indexing.domain import AccountDocument, PostDocument, Standing

__all__ = ["MemoryIndex", "MemoryPosts"]


class MemoryIndex:
    """Implements `event_handlers.Index`."""

    def __init__(self) -> None:
        self.accounts: dict[int, dict[str, Any]] = {}
        self.posts: dict[int, PostDocument] = {}

    async def standings(self, account_ids: Collection[int]) -> dict[int, Standing]:
        known = {one: self.accounts[one] for one in account_ids if one in self.accounts}
        return {
            one: Standing(stored["v"].get("profile", 0), bool(stored.get("public")), stored.get("filled"))
            for one, stored in known.items()
        }

    async def save_accounts(self, documents: Collection[AccountDocument]) -> None:
        for one in documents:
            self._update(one.account_id, "profile", one.version, one.fields)

    async def save_filled(self, documents: Collection[AccountDocument]) -> None:
        for one in documents:
            self._update(one.account_id, "posts", one.version, {"filled": one.public})

    async def save_followers(self, counts: Mapping[int, tuple[int, datetime]]) -> None:
        for account_id, (count, at) in counts.items():
            self._update(account_id, "followers", int(at.timestamp() * 1_000_000), {"followers": count + 1})

    async def save_posts(self, documents: Collection[PostDocument]) -> None:
        for one in documents:
            stored = self.posts.get(one.post_id)
            if stored is None or stored.version <= one.version:
                self.posts[one.post_id] = one

    async def shown_posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]:
        yield [one.emptied() for one in self.posts.values() if one.fields.get("author") in author_ids]

    def shown(self) -> set[int]:
        return {key for key, one in self.posts.items() if one.fields.get("shown")}

    def _update(self, account_id: int, part: str, version: int, fields: Mapping[str, Any]) -> None:
        stored = self.accounts.setdefault(account_id, {"v": {}})
        if stored["v"].get(part, -1) < version:
            stored["v"][part] = version
            stored.update(fields)


class MemoryPosts:
    """Implements `event_handlers.PostSource`: the posts that the service post would give."""

    def __init__(self) -> None:
        self.posts: dict[int, PostDocument] = {}

    async def posts_of(self, author_ids: Collection[int]) -> AsyncIterator[list[PostDocument]]:
        yield [one for one in self.posts.values() if one.author_id in author_ids]
