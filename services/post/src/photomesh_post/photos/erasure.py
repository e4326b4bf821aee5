"""Removes deleted photos from object storage and from the CDN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.metrics import ERASED
from photomesh_post.photos.domain import Photo
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Cdn", "Objects", "PhotoEraser"]

AFTER_OBJECTS = declare("post.delete.after_objects", "a photo's objects are removed, the CDN still has them")


class Objects(Protocol):
    """See `photos.objects.StoredPhotos`."""

    async def remove(self, photo: Photo) -> Sequence[str]:
        """Removes all objects of the photo; returns the keys of its variants."""
        ...


class Cdn(Protocol):
    """See `photos.cdn.HttpCdn`."""

    async def purge(self, keys: Sequence[str]) -> None:
        """Purges these variants from every layer, the one next to the store first."""
        ...


class PhotoEraser:
    def __init__(self, objects: Objects, cdn: Cdn) -> None:
        self._objects = objects
        self._cdn = cdn

    async def erase(self, photo: Photo) -> None:
        """Idempotent. Raises ObjectStorageUnavailable, CdnUnavailable.

        Leaves a photo alone while it is processed: the worker would miss the original, or write variants that nobody
        would remove. The photo's last event leads here again.
        """
        if not photo.status.is_final:
            return
        keys = await self._objects.remove(photo)
        await failpoint(AFTER_OBJECTS)
        await self._cdn.purge(keys)
        ERASED.inc()
