"""A photo's objects in object storage."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from photomesh_post.photos.domain import Photo
from photomesh_shared.object_keys import avatars_prefix, metadata_key, variants_prefix
from photomesh_shared.stores.object_storage import ObjectStorage

__all__ = ["StoredPhotos"]


class StoredPhotos:
    def __init__(self, storage: ObjectStorage, *, raw_bucket: str, variants_bucket: str) -> None:
        self._storage = storage
        self._raw_bucket = raw_bucket
        self._variants_bucket = variants_bucket

    async def variants(self, photo: Photo) -> Sequence[str]:
        """The keys of the sizes of the latest event, and of an earlier or an interrupted processing. Raises
        ObjectStorageUnavailable."""
        found = await self._storage.list_keys(self._variants_bucket, variants_prefix(photo.id))
        return sorted({*found, *(variant.key for variant in photo.variants)})

    async def avatars(self, account_id: int) -> Sequence[str]:
        """The keys of the account's avatars. Raises ObjectStorageUnavailable."""
        return await self._storage.list_keys(self._variants_bucket, avatars_prefix(account_id))

    async def remove_avatars(self, keys: Sequence[str]) -> None:
        """Raises ObjectStorageUnavailable."""
        await self._storage.delete(self._variants_bucket, keys)

    async def remove(self, photo: Photo, variants: Sequence[str]) -> None:
        """Removes all objects of the photo, these sizes among them. Raises ObjectStorageUnavailable."""
        await asyncio.gather(
            self._storage.delete(self._variants_bucket, variants),
            self._storage.delete(photo.raw_bucket or self._raw_bucket, [metadata_key(photo.id)]),
            self._storage.delete(photo.raw_bucket or self._raw_bucket, [photo.raw_key] if photo.raw_key else []),
        )
