"""Consumer use cases: photos."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.metrics import RETIRED
from photomesh_post.photos.domain import Photo
from photomesh_post.photos.erasure import PhotoEraser
from photomesh_post.photos.projection import PhotoEvent, deleted_rows, rows_of
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.events import Envelope, PhotoRetentionElapsed
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Claims", "PhotoEventHandlers", "Posts", "Store"]

AFTER_RETIRE = declare("photo.retire.after_claim", "no post can use the photo any more, its rows are unchanged")
AFTER_RETIRED_ROWS = declare("photo.retire.after_rows", "the photo is deleted, its objects are not")
AFTER_WRITE = declare("photo.consumer.after_write", "the photo's rows are written, what follows from them is not done")


class Store(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def photo(self, photo_id: int) -> Photo | None: ...
    async def forget(self, owner_id: int, photo_id: int) -> None: ...


class Posts(Protocol):
    """See `posts.settlement.PostSettlement`."""

    async def settle_post_of(self, photo_id: int) -> None: ...


class Claims(Protocol):
    """See `posts.claims.PhotoClaims`."""

    async def retire(self, photo_id: int) -> bool: ...


class PhotoEventHandlers:
    def __init__(self, store: Store, claims: Claims, eraser: PhotoEraser, posts: Posts) -> None:
        self._store = store
        self._claims = claims
        self._eraser = eraser
        self._posts = posts

    async def photo_changed(self, envelope: Envelope[PhotoEvent]) -> None:
        """Writes the photo, then settles its post, or erases it if its post was deleted meanwhile. Idempotent. Raises
        Unavailable."""
        await self._store.write(rows_of(envelope))
        await failpoint(AFTER_WRITE)
        photo = await self._store.photo(envelope.data.photo_id)
        if photo and photo.deleted:
            await self._eraser.erase(photo, envelope.time)
        elif photo and photo.status.is_final:
            await self._posts.settle_post_of(photo.id)

    async def retention_elapsed(self, envelope: Envelope[PhotoRetentionElapsed]) -> None:
        """Erases a photo that no post uses: once no post can claim it, it is deleted, and then its objects are. Keeps a
        photo of which nothing is known here. Idempotent. Raises Unavailable.

        One that is not for posts, and can be used, is in the hands of another service: it is forgotten."""
        photo = await self._store.photo(envelope.data.photo_id)
        if photo is None or (envelope.data.stage != "unused" and not photo.status.is_unusable):
            return
        if not photo.is_for_posts and not photo.status.is_unusable:
            await self._store.forget(photo.owner_id, photo.id)
            return
        if not photo.deleted:
            if not await self._claims.retire(photo.id):
                return
            await failpoint(AFTER_RETIRE)
            await self._store.write(deleted_rows(photo.id))
            RETIRED.labels(envelope.data.stage).inc()
            await failpoint(AFTER_RETIRED_ROWS)
        await self._eraser.erase(photo, envelope.time)
