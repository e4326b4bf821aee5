"""Consumer use cases: photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.photos.domain import Photo
from photomesh_post.photos.erasure import PhotoEraser
from photomesh_post.photos.projection import PhotoEvent, rows_of
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.events import Envelope
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["PhotoEventHandlers", "Posts", "Store"]

AFTER_WRITE = declare("photo.consumer.after_write", "the photo's rows are written, what follows from them is not done")


class Store(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def photo(self, photo_id: int) -> Photo | None: ...


class Posts(Protocol):
    """See `posts.settlement.PostSettlement`."""

    async def settle_post_of(self, photo_id: int) -> None: ...


class PhotoEventHandlers:
    def __init__(self, store: Store, eraser: PhotoEraser, posts: Posts) -> None:
        self._store = store
        self._eraser = eraser
        self._posts = posts

    async def photo_changed(self, envelope: Envelope[PhotoEvent]) -> None:
        """Writes the photo, then settles its post, or erases it if its post was deleted meanwhile. Idempotent. Raises
        Unavailable."""
        await self._store.write(rows_of(envelope))
        await failpoint(AFTER_WRITE)
        photo = await self._store.photo(envelope.data.photo_id)
        if photo and photo.deleted:
            await self._eraser.erase(photo)
        elif photo and photo.status.is_final:
            await self._posts.settle_post_of(photo.id)
