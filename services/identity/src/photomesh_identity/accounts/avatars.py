"""Avatars: copies of a photo's small sizes, so that the avatar outlives the photo and its post."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from photomesh_identity.errors import AvatarPhotoForStory, AvatarPhotoNotFound, AvatarPhotoNotReady, PhotosUnavailable
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import FOR_POSTS
from photomesh_shared.object_keys import avatar_key
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage

__all__ = ["AvatarCopier", "Photo", "Photos"]

log = logging.getLogger(__name__)

SIZES = (150, 320)  # pixels along the longer side


@dataclass(frozen=True)
class Photo:
    """A photo of post. `variants` maps a size in pixels, as text, to a URL."""

    owner_id: int
    status: str
    variants: Mapping[str, str]
    purpose: str = FOR_POSTS


class Photos(Protocol):
    async def find(self, photo_id: int, authorization: str) -> Photo | None:
        """The photo, if it is visible to the caller with this Authorization header. Raises PhotosUnavailable."""
        ...


class AvatarCopier:
    """Implements `service.Avatars`."""

    def __init__(self, photos: Photos, storage: ObjectStorage, *, cdn_url: str, bucket: str) -> None:
        self._photos = photos
        self._storage = storage
        self._cdn_url = cdn_url
        self._bucket = bucket

    async def copy_photo(self, owner_id: int, photo_id: int, authorization: str) -> Mapping[int, str]:
        photo = await self._photos.find(photo_id, authorization)
        if photo is None or photo.owner_id != owner_id:
            raise AvatarPhotoNotFound
        if photo.purpose != FOR_POSTS:
            raise AvatarPhotoForStory
        if photo.status != "ready":
            raise AvatarPhotoNotReady(f"The photo is {photo.status}.", photo_status=photo.status)
        token = secrets.token_urlsafe(16)
        copies: dict[int, str] = {}
        try:
            for size, source in self._sources(photo).items():
                key = avatar_key(owner_id, token, size, PurePosixPath(source).suffix)
                await self._storage.copy(self._bucket, source, key)
                copies[size] = key
        except NoSuchObject as error:  # deleted since post answered
            await self.remove(copies)
            raise AvatarPhotoNotFound from error
        except Unavailable:
            await self.remove(copies)
            raise
        return copies

    async def remove(self, avatar: Mapping[int, str]) -> None:
        try:
            await self._storage.delete(self._bucket, avatar.values())
        except Unavailable as error:
            log.warning("avatar not removed", extra={"keys": list(avatar.values()), "error": str(error)})

    def _sources(self, photo: Photo) -> dict[int, str]:
        """Size → key of the variant to copy."""
        base = f"{self._cdn_url}/"
        urls = {size: photo.variants.get(str(size), "") for size in SIZES}
        if not all(url.startswith(base) for url in urls.values()):
            raise PhotosUnavailable("The photo's public sizes are not below the CDN's URL.")
        return {size: url.removeprefix(base) for size, url in urls.items()}
