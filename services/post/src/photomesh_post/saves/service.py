"""Use cases of those who keep posts: to save them, to sort them into collections, to see them again."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from photomesh_post.errors import CollectionNotFound, TooManyCollections
from photomesh_post.paging import page_of
from photomesh_post.posts.domain import PostView, Reactions
from photomesh_post.posts.event_log import microseconds
from photomesh_post.posts.service import Ids
from photomesh_post.posts.visibility import Visibility
from photomesh_post.saves import domain as lists
from photomesh_post.saves.domain import MAX_COLLECTIONS, NEVER, CollectionView, Kept, Place
from photomesh_post.saves.event_log import SaveEvent, Saving, Store
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    CollectionCreated,
    CollectionDeleted,
    CollectionPostAdded,
    CollectionPostRemoved,
    CollectionRenamed,
    Envelope,
    PostSaved,
    PostUnsaved,
)

__all__ = ["Posts", "SaveService", "SavedPosts"]


class Posts(Protocol):
    """See `views.Views`."""

    async def posts(self, viewer_id: int | None, post_ids: Sequence[int]) -> Sequence[PostView | None]: ...


class Likes(Protocol):
    """See `liking.Liking`."""

    async def reactions(self, viewer_id: int | None, subject_ids: Collection[int]) -> Mapping[int, Reactions]: ...


class SavedPosts:
    """Whether somebody keeps posts."""

    def __init__(self, store: Store, likes: Likes) -> None:
        self._store = store
        self._likes = likes

    async def among(self, account_id: int, post_ids: Collection[int]) -> set[int]:
        """Those of the posts that an account keeps; a read for each month that they are from."""
        found = await self._store.kept(account_id, post_ids) if post_ids else {}
        return {post_id for post_id, said in found.items() if said.kept}

    async def reactions(self, viewer_id: int | None, post_ids: Collection[int]) -> Mapping[int, Reactions]:
        """What the viewer is shown of posts that they see: likes and counts, and whether they keep them."""
        if viewer_id is None:
            return await self._likes.reactions(None, post_ids)
        reactions, saved = await asyncio.gather(
            self._likes.reactions(viewer_id, post_ids), self.among(viewer_id, post_ids)
        )
        return {post_id: replace(those, saved=post_id in saved) for post_id, those in reactions.items()}


class SaveService:
    """All of it is the business of the account alone: who has no such collection is told so, whoever else has it."""

    def __init__(
        self, store: Store, saving: Saving, visibility: Visibility, posts: Posts, id_source: Ids, clock: Clock
    ) -> None:
        self._store = store
        self._saving = saving
        self._visibility = visibility
        self._posts = posts
        self._ids = id_source
        self._clock = clock
        self._last_version = 0

    async def save(self, account_id: int, post_id: int) -> None:
        """Keeps a post; again changes nothing. Raises PostNotFound."""
        await self._visibility.post(account_id, post_id)
        await self._save(account_id, post_id)

    async def _save(self, account_id: int, post_id: int) -> Kept:
        said = await self._said(account_id, post_id)
        if said.kept:
            return said
        now = self._clock.now()
        event = PostSaved(account_id=account_id, post_id=post_id, saved_at=now)
        return Kept(True, await self._commit(event, said.version), said.removed)

    async def unsave(self, account_id: int, post_id: int) -> None:
        """Keeps a post no longer, in no collection either; again changes nothing. Raises PostNotFound."""
        await self._visibility.post(account_id, post_id)
        said = await self._said(account_id, post_id)
        if said.kept:
            event = PostUnsaved(account_id=account_id, post_id=post_id, unsaved_at=self._clock.now())
            await self._commit(event, said.version)

    async def saved(self, account_id: int, *, before: Place | None, limit: int) -> tuple[list[PostView], Place | None]:
        """A page of the posts that somebody keeps, the newest kept first, and the `before` of the next page if there is
        one. Posts that are hidden from them, or gone, are left out."""
        return await self._list(account_id, account_id, before, limit)

    async def create_collection(self, account_id: int, name: str) -> CollectionView:
        """A new collection. Two may have the same name: they differ by their ids. Raises InvalidRequest,
        TooManyCollections."""
        name = lists.checked_name(name)
        if len(await self._store.collections(account_id)) >= MAX_COLLECTIONS:
            raise TooManyCollections(limit=MAX_COLLECTIONS)
        collection_id = self._ids.next()
        created_at = ids.timestamp_of(collection_id)
        event = CollectionCreated(account_id=account_id, collection_id=collection_id, name=name, created_at=created_at)
        event_name = f"{ids.encode('k', collection_id)}.created"
        await self._saving.commit(
            Envelope.of(event, entityversion=microseconds(created_at), id=event_name, time=created_at)
        )
        return CollectionView(lists.Collection(collection_id, name))

    async def collections(
        self, account_id: int, *, before: int | None, limit: int
    ) -> tuple[list[CollectionView], int | None]:
        """A page of somebody's collections, newest first, and the `before` of the next page if there is one."""
        found = await self._store.collections(account_id)
        rest = [collection for collection in found if before is None or collection.id < before]
        page = rest[:limit]
        views = await asyncio.gather(*(self._covered(account_id, collection) for collection in page))
        return list(views), page[-1].id if len(rest) > limit else None

    async def _covered(self, account_id: int, collection: lists.Collection) -> CollectionView:
        newest = (await self._list(account_id, collection.id, None, 1))[0] if collection.posts else []
        photos = newest[0].photos if newest else ()
        return CollectionView(collection, photos[0] if photos else None)

    async def rename_collection(self, account_id: int, collection_id: int, name: str) -> CollectionView:
        """Raises CollectionNotFound, InvalidRequest."""
        name = lists.checked_name(name)
        collection = await self._collection(account_id, collection_id)
        if collection.name != name:
            event = CollectionRenamed(
                account_id=account_id, collection_id=collection_id, name=name, renamed_at=self._clock.now()
            )
            await self._commit(event, microseconds(ids.timestamp_of(collection_id)))
        return await self._covered(account_id, replace(collection, name=name))

    async def delete_collection(self, account_id: int, collection_id: int) -> None:
        """Deletes a collection; the posts in it stay saved. Raises CollectionNotFound."""
        await self._collection(account_id, collection_id)
        event = CollectionDeleted(account_id=account_id, collection_id=collection_id, deleted_at=self._clock.now())
        await self._commit(event, microseconds(ids.timestamp_of(collection_id)))

    async def add(self, account_id: int, collection_id: int, post_id: int) -> None:
        """Puts a post into a collection, and keeps it if it was not kept; again changes nothing. Raises
        CollectionNotFound, PostNotFound."""
        await self._collection(account_id, collection_id)
        await self._visibility.post(account_id, post_id)
        saved = await self._save(account_id, post_id)
        said = await self._said(collection_id, post_id)
        # It may still be taken out: by a removal from all that is kept, which the collections do not have yet.
        if not said.kept or said.version < saved.removed:
            event = CollectionPostAdded(
                account_id=account_id, collection_id=collection_id, post_id=post_id, added_at=self._clock.now()
            )
            await self._commit(event, max(said.version, saved.version))

    async def remove(self, account_id: int, collection_id: int, post_id: int) -> None:
        """Takes a post out of a collection; it stays saved. Raises CollectionNotFound, PostNotFound."""
        await self._collection(account_id, collection_id)
        await self._visibility.post(account_id, post_id)
        said = await self._said(collection_id, post_id)
        if said.kept:
            event = CollectionPostRemoved(
                account_id=account_id, collection_id=collection_id, post_id=post_id, removed_at=self._clock.now()
            )
            await self._commit(event, said.version)

    async def in_collection(
        self, account_id: int, collection_id: int, *, before: Place | None, limit: int
    ) -> tuple[list[PostView], Place | None]:
        """As `saved`, of a collection. Raises CollectionNotFound."""
        await self._collection(account_id, collection_id)
        return await self._list(account_id, collection_id, before, limit)

    async def _list(
        self, account_id: int, list_id: int, before: Place | None, limit: int
    ) -> tuple[list[PostView], Place | None]:
        async def show(places: Sequence[Place]) -> Sequence[PostView | None]:
            said = await self._store.kept(list_id, {place.post_id for place in places})
            still = [place.post_id for place in places if _stands(place, said.get(place.post_id, NEVER))]
            views = dict(zip(still, await self._posts.posts(account_id, still), strict=True))
            return [
                views.get(place.post_id) if _stands(place, said.get(place.post_id, NEVER)) else None for place in places
            ]

        return await page_of(self._store.newest_in(list_id, before=before), limit, show)

    async def _collection(self, account_id: int, collection_id: int) -> lists.Collection:
        collection = await self._store.collection(account_id, collection_id)
        if collection is None:
            raise CollectionNotFound
        return collection

    async def _said(self, list_id: int, post_id: int) -> Kept:
        return (await self._store.kept(list_id, [post_id])).get(post_id, NEVER)

    async def _commit(self, event: SaveEvent, last_version: int) -> int:
        """Makes an event happen that is later than the last of its subject, and than all others of this process: no
        two have the same version. The version."""
        now = self._clock.now()
        version = self._last_version = max(microseconds(now), self._last_version + 1, last_version + 1)
        await self._saving.commit(Envelope.of(event, entityversion=version, time=now))
        return version


def _stands(place: Place, said: Kept) -> bool:
    """Whether a post is still where it was put."""
    return said.kept and said.version == place.version
