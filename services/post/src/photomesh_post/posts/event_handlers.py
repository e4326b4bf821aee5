"""Use cases of the consumer: what follows from each event in the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from photomesh_post.metrics import ERASED
from photomesh_post.posts.domain import Photo
from photomesh_post.posts.event_log import Publishing
from photomesh_post.posts.queries import Reads
from photomesh_shared.events import (
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    Envelope,
    FollowCreated,
    FollowDeleted,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PhotoUploaded,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPublished,
)
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Cdn", "Folding", "Objects"]

AFTER_WRITE = declare("post.consumer.after_write", "the rows are written, what follows from them is not done")
AFTER_OBJECTS = declare("post.delete.after_objects", "the objects of a photo are removed, the CDN still has them")

PhotoEvent = PhotoUploaded | PhotoReady | PhotoRejected | PhotoFailed


class Objects(Protocol):
    async def remove(self, photo: Photo) -> Sequence[str]:
        """Removes everything that object storage has of a photo; the keys of its variants."""
        ...


class Cdn(Protocol):
    async def purge(self, keys: Sequence[str]) -> None:
        """Makes every layer forget these variants, the one next to the store first."""
        ...


class Folding:
    """One method per kind of event. All survive replay: rows are written by version, the rest is looked up anew."""

    def __init__(self, store: Reads, publishing: Publishing, objects: Objects, cdn: Cdn) -> None:
        self._store = store
        self._publishing = publishing
        self._objects = objects
        self._cdn = cdn

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        await self._publishing.apply(envelope)

    async def relation_changed(
        self, envelope: Envelope[FollowCreated | FollowDeleted | BlockCreated | BlockDeleted]
    ) -> None:
        await self._publishing.apply(envelope)

    async def photo_changed(self, envelope: Envelope[PhotoEvent]) -> None:
        await self._publishing.apply(envelope)
        await failpoint(AFTER_WRITE)
        photo_id = envelope.data.photo_id
        photo, claim = await asyncio.gather(self._store.photo(photo_id), self._store.claim_of(photo_id))
        if photo and photo.deleted:
            await self._erase(photo)
        elif photo and photo.status.is_final and claim:
            await self._publishing.settle(claim.post_id)

    async def post_created(self, envelope: Envelope[PostCreated]) -> None:
        await self._publishing.apply(envelope)
        await failpoint(AFTER_WRITE)
        await self._publishing.settle(envelope.data.post_id)

    async def post_changed(self, envelope: Envelope[PostPublished | PostFailed | PostEdited]) -> None:
        await self._publishing.apply(envelope)

    async def post_deleted(self, envelope: Envelope[PostDeleted]) -> None:
        await self._publishing.apply(envelope)
        await failpoint(AFTER_WRITE)
        for photo_id in envelope.data.photo_ids:
            if photo := await self._store.photo(photo_id):
                await self._erase(photo)

    async def _erase(self, photo: Photo) -> None:
        """Removes a deleted photo from the world.

        Not while it is being processed: the worker would stumble over the missing original, or write sizes that
        nobody knows of. Its last event brings us here again.
        """
        if not photo.status.is_final:
            return
        keys = await self._objects.remove(photo)
        await failpoint(AFTER_OBJECTS)
        await self._cdn.purge(keys)
        ERASED.inc()
