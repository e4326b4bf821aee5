"""Reads of the API: saved posts, collections, and whether a viewer saved a post."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from photomesh_post.counts.domain import Reactions
from photomesh_post.errors import CollectionNotFound
from photomesh_post.paging import PageBuilder, chunked
from photomesh_post.posts.domain import PostView
from photomesh_post.saves import domain
from photomesh_post.saves.domain import NEVER, CollectionView, ListPosition, Membership

__all__ = ["Likes", "PostReactions", "Posts", "SaveQueries", "Store"]


class Store(Protocol):
    """See `saves.store.CassandraSaves`."""

    async def memberships(self, list_id: int, post_ids: Collection[int]) -> Mapping[int, Membership]: ...
    def positions(self, list_id: int, *, before: ListPosition | None) -> AsyncGenerator[ListPosition, None]: ...
    async def collections(self, account_id: int) -> Sequence[domain.Collection]: ...
    async def collection(self, account_id: int, collection_id: int) -> domain.Collection | None: ...


class Likes(Protocol):
    """See `likes.queries.LikeQueries`."""

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]: ...


class Posts(Protocol):
    """See `posts.queries.PostQueries`."""

    async def posts(self, viewer_id: int | None, post_ids: Sequence[int]) -> Sequence[PostView | None]: ...


class PostReactions:
    """Reactions to posts: likes and counts, and whether the viewer saved them."""

    def __init__(self, store: Store, likes: Likes) -> None:
        self._store = store
        self._likes = likes

    async def reactions(self, viewer_id: int | None, post_ids: Collection[int]) -> Mapping[int, Reactions]:
        """What the viewer is shown of posts that they see, by id. `viewer_id` is None for a request without a token."""
        if viewer_id is None or not post_ids:
            return await self._likes.reactions(viewer_id, post_ids)
        reactions, saved = await asyncio.gather(
            self._likes.reactions(viewer_id, post_ids), self._store.memberships(viewer_id, post_ids)
        )
        return {post_id: _with_membership(those, saved.get(post_id, NEVER)) for post_id, those in reactions.items()}


def _with_membership(reactions: Reactions, membership: domain.Membership) -> Reactions:
    versions = reactions.versions._replace(save=membership.version)
    return replace(reactions, saved=membership.present, versions=versions)


class SaveQueries:
    """Lists that only their own account sees."""

    def __init__(self, store: Store, posts: Posts) -> None:
        self._store = store
        self._posts = posts

    async def saved_posts(
        self, account_id: int, *, before: ListPosition | None, limit: int
    ) -> tuple[list[PostView], ListPosition | None]:
        """A page of the posts that an account saved, the last saved first, and the `before` of the next page if there
        is one. Posts that are hidden from the account, or deleted, are left out."""
        return await self._page(account_id, account_id, before, limit)

    async def collection_posts(
        self, account_id: int, collection_id: int, *, before: ListPosition | None, limit: int
    ) -> tuple[list[PostView], ListPosition | None]:
        """As `saved_posts`, of a collection. Raises CollectionNotFound."""
        await self.collection(account_id, collection_id)
        return await self._page(account_id, collection_id, before, limit)

    async def collections(
        self, account_id: int, *, before: int | None, limit: int
    ) -> tuple[list[CollectionView], int | None]:
        """A page of an account's collections, newest first, and the `before` of the next page if there is one."""
        found = await self._store.collections(account_id)
        rest = [collection for collection in found if before is None or collection.id < before]
        page = rest[:limit]
        views = await asyncio.gather(*(self.with_cover(account_id, collection) for collection in page))
        return list(views), page[-1].id if len(rest) > limit else None

    async def collection(self, account_id: int, collection_id: int) -> domain.Collection:
        """Raises CollectionNotFound, whether or not another account has it."""
        collection = await self._store.collection(account_id, collection_id)
        if collection is None:
            raise CollectionNotFound
        return collection

    async def with_cover(self, account_id: int, collection: domain.Collection) -> CollectionView:
        newest = (await self._page(account_id, collection.id, None, 1))[0] if collection.posts else []
        photos = newest[0].photos if newest else ()
        return CollectionView(collection, photos[0] if photos else None)

    async def _page(
        self, account_id: int, list_id: int, before: ListPosition | None, limit: int
    ) -> tuple[list[PostView], ListPosition | None]:
        page = PageBuilder[ListPosition, PostView](limit)
        positions = self._store.positions(list_id, before=before)
        async with aclosing(chunked(positions, limit + 1)) as skeleton:
            async for chunk in skeleton:
                if page.add(chunk, await self._present(account_id, list_id, chunk)):
                    break
        return page.items, page.next_after

    async def _present(self, account_id: int, list_id: int, positions: Sequence[ListPosition]) -> list[PostView | None]:
        memberships = await self._store.memberships(list_id, {position.post_id for position in positions})
        current = [position for position in positions if memberships.get(position.post_id, NEVER).is_at(position)]
        posts = await self._posts.posts(account_id, [position.post_id for position in current])
        views = dict(zip(current, posts, strict=True))
        return [views.get(position) for position in positions]
