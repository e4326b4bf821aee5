"""A photo's objects in object storage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from photomesh_post.photos.domain import Photo
from photomesh_shared.object_keys import metadata_key, variants_prefix
from photomesh_shared.stores.object_storage import ObjectStorage

__all__ = ["StoredPhotos"]


class StoredPhotos:
    def __init__(self, storage: ObjectStorage, *, raw_bucket: str, variants_bucket: str) -> None:
        self._storage = storage
        self._raw_bucket = raw_bucket
        self._variants_bucket = variants_bucket

    async def remove(self, photo: Photo) -> Sequence[str]:
        """Removes all objects of the photo; returns the keys of its variants. Raises ObjectStorageUnavailable."""
        # The variants of the latest event, and those of an earlier or an interrupted processing.
        found = await self._storage.list_keys(self._variants_bucket, variants_prefix(photo.id))
        variants = sorted({*found, *(variant.key for variant in photo.variants)})
        await asyncio.gather(
            self._storage.delete(self._variants_bucket, variants),
            self._storage.delete(photo.raw_bucket or self._raw_bucket, [metadata_key(photo.id)]),
            self._storage.delete(photo.raw_bucket or self._raw_bucket, [photo.raw_key] if photo.raw_key else []),
        )
        return variants
