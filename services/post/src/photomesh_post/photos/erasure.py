"""Removes deleted photos from object storage and from the CDN, in the background."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from photomesh_post.erasures.domain import Kind, Pending
from photomesh_post.metrics import ERASED
from photomesh_post.photos.domain import Photo, PhotoStatus
from photomesh_post.photos.projection import erased_rows
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Cdn", "Ended", "Erasures", "Objects", "PhotoEraser", "Store"]

AFTER_OBJECTS = declare("post.delete.after_objects", "a photo's objects are removed, the CDN still has them")


class Store(Protocol):
    """See `photos.store.CassandraPhotos`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def photo(self, photo_id: int) -> Photo | None: ...
    async def forget(self, owner_id: int, photo_id: int) -> None: ...


class Erasures(Protocol):
    """See `erasures.worker.ErasureWorker`."""

    async def add(self, pending: Pending) -> None: ...


class Ended(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def ended_among(self, ids: Collection[int]) -> Collection[int]: ...


class Objects(Protocol):
    """See `photos.objects.StoredPhotos`."""

    async def variants(self, photo: Photo) -> Sequence[str]:
        """The keys of the photo's sizes."""
        ...

    async def remove(self, photo: Photo, variants: Sequence[str]) -> None:
        """Removes all objects of the photo, these sizes among them."""
        ...


class Cdn(Protocol):
    """See `photomesh_shared.stores.cdn.HttpCdn`."""

    async def purge(self, keys: Sequence[str]) -> None:
        """Purges these variants from every layer, the one next to the store first."""
        ...


class PhotoEraser:
    """Objects and caches are two erasures, so that a layer of the CDN that does not answer keeps no object."""

    def __init__(self, store: Store, erasures: Erasures, ended: Ended, objects: Objects, cdn: Cdn) -> None:
        self._store = store
        self._ended = ended
        self._erasures = erasures
        self._objects = objects
        self._cdn = cdn

    async def erase(self, photo: Photo, since: datetime) -> None:
        """Has a photo's objects and caches erased in the background. Idempotent. Raises DatabaseUnavailable.

        Leaves a photo alone while it is processed: the worker would miss the original, or write variants that nobody
        would remove. The photo's last event leads here again.
        """
        if photo.status.is_final:
            await self.erase_objects(photo.id, since)

    async def erase_objects(self, photo_id: int, since: datetime) -> None:
        """Has erased what there is of a photo that is not being processed, known or not. Idempotent. Raises
        DatabaseUnavailable."""
        await self._erasures.add(Pending(Kind.OBJECTS, photo_id, since))

    async def remove_objects(self, pending: Pending) -> None:
        """Idempotent. Raises ObjectStorageUnavailable, DatabaseUnavailable."""
        # Of a photo whose rows are gone, an erased account's, sizes may have been written since.
        unknown = Photo(pending.id, 0, PhotoStatus.READY, pending.since)
        photo = await self._store.photo(pending.id) or unknown
        # Stored before they are removed: a second attempt does not find them.
        keys = sorted({*json.loads(pending.details or "[]"), *await self._objects.variants(photo)})
        await self._erasures.add(replace(pending, details=json.dumps(keys)))
        await self._objects.remove(photo, keys)
        await failpoint(AFTER_OBJECTS)
        await self._erasures.add(Pending(Kind.CACHES, photo.id, pending.since, json.dumps(keys)))

    async def purge_caches(self, pending: Pending) -> None:
        """Idempotent. Raises ServiceUnavailable, DatabaseUnavailable."""
        await self._cdn.purge(json.loads(pending.details))
        await self._store.write(erased_rows(pending.id))
        photo = await self._store.photo(pending.id)
        if photo and await self._ended.ended_among([photo.owner_id]):
            await self._store.forget(photo.owner_id, photo.id)
        ERASED.inc()
