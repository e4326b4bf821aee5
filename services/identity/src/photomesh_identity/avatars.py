"""Avatars: a photo's small sizes, copied, so that the avatar outlives the photo and its post.

The one place that talks to post, and to object storage.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from pathlib import PurePosixPath

import httpx
from pydantic import BaseModel, ValidationError

from photomesh_identity.errors import AvatarPhotoNotFound, AvatarPhotoNotReady, PhotosUnavailable
from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import UserId, encode
from photomesh_shared.object_keys import avatar_key
from photomesh_shared.observability import logs, tracing
from photomesh_shared.storage import NoSuchObject, ObjectStorage

__all__ = ["CopiedAvatars"]

log = logging.getLogger(__name__)

SIZES = (150, 320)  # pixels along the longer side
_POST_SECONDS = 5.0


class _Photo(BaseModel):
    """What we read of post's answer; the rest is ignored."""

    owner_id: UserId
    status: str
    variants: dict[str, str] | None = None


class CopiedAvatars:
    """Implements `service.Avatars`."""

    def __init__(self, client: httpx.AsyncClient, storage: ObjectStorage, *, post_url: str, cdn_url: str, bucket: str):
        self._client = client
        self._storage = storage
        self._post_url = post_url
        self._cdn_url = cdn_url
        self._bucket = bucket

    async def make(self, owner_id: int, photo_id: int, authorization: str) -> Mapping[int, str]:
        photo = await self._photo(photo_id, authorization)
        if photo is None or photo.owner_id != owner_id:
            raise AvatarPhotoNotFound
        if photo.status != "ready":
            raise AvatarPhotoNotReady(f"The photo is {photo.status}.", photo_status=photo.status)
        token = secrets.token_urlsafe(16)
        copies: dict[int, str] = {}
        try:
            for size, source in self._sources(photo).items():
                key = avatar_key(owner_id, token, size, PurePosixPath(source).suffix)
                await self._storage.copy(self._bucket, source, key)
                copies[size] = key
        except NoSuchObject as error:  # deleted since post told us of it
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
            log.warning("an avatar was not removed", extra={"keys": list(avatar.values()), "error": str(error)})

    async def _photo(self, photo_id: int, authorization: str) -> _Photo | None:
        """The photo as the caller may see it; None if there is none."""
        headers = {"Authorization": authorization, "Request-Id": logs.request_id.get() or ""}
        with tracing.span("ask post for a photo"):
            tracing.inject(headers)
            try:
                url = f"{self._post_url}/v1/photos/{encode('p', photo_id)}"
                answer = await self._client.get(url, headers=headers, timeout=_POST_SECONDS)
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                return _Photo.model_validate_json(answer.raise_for_status().content)
            except (httpx.HTTPError, ValidationError) as error:
                log.warning("post did not tell of a photo", extra={"error": str(error)})
                raise PhotosUnavailable from error

    def _sources(self, photo: _Photo) -> dict[int, str]:
        """Size → key of the variant to copy."""
        base = f"{self._cdn_url}/"
        urls = {size: (photo.variants or {}).get(str(size), "") for size in SIZES}
        if not all(url.startswith(base) for url in urls.values()):
            raise PhotosUnavailable("The photo's public sizes are not where they are expected.")
        return {size: url.removeprefix(base) for size, url in urls.items()}
