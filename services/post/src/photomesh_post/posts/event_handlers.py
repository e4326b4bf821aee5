"""Consumer use cases: posts. Each survives replay: rows are written by version, the rest is looked up again."""

from __future__ import annotations

from typing import Protocol

from photomesh_post.erasures.domain import Kind, Pending
from photomesh_post.photos.domain import Photo
from photomesh_post.photos.erasure import PhotoEraser
from photomesh_post.posts.event_log import PostEventLog
from photomesh_post.posts.settlement import PostSettlement
from photomesh_shared.events import Envelope, PostCreated, PostDeleted, PostEdited, PostFailed, PostPublished
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Ended", "Photos", "PostEventHandlers"]

AFTER_WRITE = declare("post.consumer.after_write", "the post's rows are written, what follows from them is not done")


class Photos(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def photo(self, photo_id: int) -> Photo | None: ...


class Ended(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def mark_ended(self, id_: int) -> None: ...
    async def add(self, pending: Pending) -> None: ...


class PostEventHandlers:
    """Every method raises Unavailable."""

    def __init__(
        self, log: PostEventLog, settlement: PostSettlement, photos: Photos, eraser: PhotoEraser, ended: Ended
    ) -> None:
        self._log = log
        self._settlement = settlement
        self._photos = photos
        self._eraser = eraser
        self._ended = ended

    async def post_created(self, envelope: Envelope[PostCreated]) -> None:
        await self._log.apply(envelope)
        await failpoint(AFTER_WRITE)
        await self._settlement.settle(envelope.data.post_id)

    async def post_changed(self, envelope: Envelope[PostPublished | PostFailed | PostEdited]) -> None:
        """Settles a post that was edited while it was processing: its creation may be compacted away."""
        await self._log.apply(envelope)
        event = envelope.data
        if isinstance(event, PostEdited) and not event.published_at and not event.reason:
            await self._settlement.settle(event.post_id)

    async def post_deleted(self, envelope: Envelope[PostDeleted]) -> None:
        await self._log.apply(envelope)
        await failpoint(AFTER_WRITE)
        for photo_id in envelope.data.photo_ids:
            if photo := await self._photos.photo(photo_id):
                await self._eraser.erase(photo, envelope.time)
        await self._ended.mark_ended(envelope.data.post_id)
        await self._ended.add(Pending(Kind.POST, envelope.data.post_id, envelope.time))
