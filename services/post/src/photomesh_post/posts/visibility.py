"""Who may see what: the one place that every path to a post, a photo or a list asks."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

from photomesh_post.errors import PostNotFound
from photomesh_post.posts.domain import OWN, STRANGER, Author, Post, Standing, may_see

__all__ = ["Relations", "Visibility"]


class Relations(Protocol):
    """What is asked of the store; see `store.CassandraStore`."""

    async def post(self, post_id: int) -> Post | None: ...
    async def author(self, user_id: int) -> Author: ...

    async def standing(self, viewer_id: int, account_id: int) -> Standing:
        """Of one account to another."""
        ...

    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]: ...


class Visibility:
    """`viewer_id` is None where nobody is logged in; that, and what is one's own, asks the store nothing."""

    def __init__(self, store: Relations) -> None:
        self._store = store

    async def author(self, viewer_id: int | None, account_id: int) -> tuple[Author, Standing]:
        """An account, and how the viewer stands to it."""
        author, standing = await asyncio.gather(self._store.author(account_id), self._standing(viewer_id, account_id))
        return author, standing

    async def post(self, viewer_id: int | None, post_id: int) -> tuple[Post, Author]:
        """A post that the viewer sees, and its author. Raises PostNotFound for every other."""
        post = await self._store.post(post_id)
        if post is None:
            raise PostNotFound
        author, standing = await self.author(viewer_id, post.author_id)
        if not may_see(post, author, standing):
            raise PostNotFound
        return post, author

    async def blocked_among(self, viewer_id: int | None, account_ids: Collection[int]) -> set[int]:
        """Those of the accounts that have a block with the viewer, whoever of the two made it: what they do under
        other people's posts is not shown to this viewer. One read, however many they are."""
        others = set(account_ids) - {viewer_id}
        if viewer_id is None or not others:
            return set()
        return await self._store.blocked_among(viewer_id, others)

    async def _standing(self, viewer_id: int | None, account_id: int) -> Standing:
        if viewer_id is None:
            return STRANGER
        return OWN if viewer_id == account_id else await self._store.standing(viewer_id, account_id)
