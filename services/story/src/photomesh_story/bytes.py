"""A story's sizes: private ones of its photo, and public copies that last as long as the story, or its highlights."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from photomesh_shared.events import PhotoReady, Variant
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.limits import VARIANT_SIZES
from photomesh_shared.object_keys import metadata_key, original_key, private_variant_key, story_key
from photomesh_shared.stores.cdn import HttpCdn
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage
from photomesh_story.archive.domain import highlight_variants
from photomesh_story.errors import NoPhotoForStory, NotInArchive

__all__ = ["StoryBytes"]

AFTER_ONE_COPY = declare("story.publish.after_one_copy", "one more size of a story is public")
AFTER_OBJECTS = declare("story.remove.after_objects", "the public sizes are removed, caches still have them")

_PUBLIC = "public"  # until `Expires`
_IMMUTABLE = "public, max-age=31536000, immutable"
_SHOWN_SECONDS = 3_600


class StoryBytes:
    """See `stories.protocols.Bytes` and `archive.protocols.ArchiveBytes`."""

    def __init__(self, storage: ObjectStorage, cdn: HttpCdn, *, raw_bucket: str, variants_bucket: str) -> None:
        self._storage = storage
        self._cdn = cdn
        self._raw_bucket = raw_bucket
        self._bucket = variants_bucket

    async def publish(self, photo: PhotoReady, token: str, expires_at: datetime) -> tuple[Variant, ...]:
        """The same token gives the same keys. Raises NoPhotoForStory if the photo was removed meanwhile."""
        public = tuple(
            size.model_copy(update={"key": story_key(expires_at, token, size.size)}) for size in photo.variants
        )
        for private, size in zip(photo.variants, public, strict=True):
            try:
                await self._storage.publish_copy(
                    (photo.bucket or self._raw_bucket, private.key),
                    self._bucket,
                    size.key,
                    ContentType=size.content_type,
                    CacheControl=_PUBLIC,
                    Expires=expires_at,
                )
            except NoSuchObject as error:
                raise NoPhotoForStory from error
            await failpoint(AFTER_ONE_COPY)
        return public

    async def remove(self, variants: Sequence[Variant]) -> None:
        """A repetition purges again."""
        keys = [size.key for size in variants]
        await self._storage.delete(self._bucket, keys)
        await failpoint(AFTER_OBJECTS)
        await self._cdn.purge(keys)

    async def forget(self, photo_id: int, upload_id: int) -> None:
        keys = [private_variant_key(photo_id, size) for size in VARIANT_SIZES]
        await asyncio.gather(
            self._storage.delete(self._raw_bucket, [*keys, metadata_key(photo_id)]),
            self._storage.delete(self._raw_bucket, [original_key(upload_id)]),
        )

    async def publish_highlight(self, photo: PhotoReady, token: str) -> None:
        """The same token gives the same keys. Raises NotInArchive if the photo was removed meanwhile."""
        for private, size in zip(photo.variants, highlight_variants(photo, token), strict=True):
            try:
                await self._storage.publish_copy(
                    (photo.bucket or self._raw_bucket, private.key),
                    self._bucket,
                    size.key,
                    ContentType=size.content_type,
                    CacheControl=_IMMUTABLE,
                )
            except NoSuchObject as error:
                raise NotInArchive from error

    async def remove_highlight(self, photo: PhotoReady, token: str) -> None:
        await self.remove(highlight_variants(photo, token))

    async def private_urls(self, photo: PhotoReady) -> Mapping[int, str]:
        bucket = photo.bucket or self._raw_bucket
        urls = await asyncio.gather(
            *(
                self._storage.presign_get(bucket, size.key, filename=f"{size.size}.jpg", expires_seconds=_SHOWN_SECONDS)
                for size in photo.variants
            )
        )
        return dict(zip((size.size for size in photo.variants), urls, strict=True))
