"""Reads of the API: a photo on its own page."""

from __future__ import annotations

import asyncio
from typing import Protocol

from photomesh_post.errors import PhotoNotFound
from photomesh_post.photos.arrivals import PhotoArrivals
from photomesh_post.photos.domain import Photo, PhotoPost, PhotoView, may_see
from photomesh_shared.events import PhotoMetadata

__all__ = ["Accounts", "PhotoQueries", "Posts", "Store"]


class Store(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def photo(self, photo_id: int) -> Photo | None: ...
    async def metadata(self, photo_id: int) -> PhotoMetadata | None: ...


class Posts(Protocol):
    """See `posts.claims.PhotoClaims`."""

    async def post_of_photo(self, photo_id: int) -> PhotoPost | None: ...


class Accounts(Protocol):
    """See `accounts.visibility.AccountVisibility`."""

    async def sees(self, viewer_id: int | None, account_id: int) -> bool: ...


class PhotoQueries:
    """`viewer_id` is None for a request without a token."""

    def __init__(self, store: Store, posts: Posts, accounts: Accounts, arrivals: PhotoArrivals) -> None:
        self._store = store
        self._posts = posts
        self._accounts = accounts
        self._arrivals = arrivals

    async def photo(self, viewer_id: int | None, photo_id: int) -> PhotoView:
        """Waits a little for a photo that may be on its way. Raises PhotoNotFound."""
        wait = self._arrivals.wait_for(photo_id)
        while (view := await self._find(viewer_id, photo_id)) is None:
            # Only a viewer with an account can have uploaded it.
            if viewer_id is None or not await wait.once_more():
                if self._arrivals.may_arrive(photo_id):
                    raise PhotoNotFound(retryable=True, headers={"Retry-After": "1"})
                raise PhotoNotFound
        return view

    async def _find(self, viewer_id: int | None, photo_id: int) -> PhotoView | None:
        """None if the photo is hidden or unknown. Raises PhotoNotFound to the owner of one that was deleted."""
        hydrated, post = await asyncio.gather(self._hydrate(viewer_id, photo_id), self._posts.post_of_photo(photo_id))
        if hydrated is None:
            return None
        photo, metadata, sees_owner = hydrated
        if photo.deleted and photo.owner_id == viewer_id:
            raise PhotoNotFound
        return PhotoView(photo, metadata, post) if may_see(viewer_id, photo, post, sees_owner=sees_owner) else None

    async def _hydrate(self, viewer_id: int | None, photo_id: int) -> tuple[Photo, PhotoMetadata | None, bool] | None:
        photo = await self._store.photo(photo_id)
        if photo is None:
            return None
        metadata, sees_owner = await asyncio.gather(
            self._store.metadata(photo_id), self._accounts.sees(viewer_id, photo.owner_id)
        )
        return photo, metadata, sees_owner
