"""A story's sizes: private ones of its photo, and the public copies that last as long as the story."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.events import PhotoReady, Variant

__all__ = ["StoryBytes"]


class StoryBytes:
    """See `stories.protocols.Bytes`."""

    async def publish(self, photo: PhotoReady, token: str, expires_at: datetime) -> tuple[Variant, ...]:
        raise ObjectStorageUnavailable

    async def remove(self, variants: Sequence[Variant]) -> None:
        raise ObjectStorageUnavailable

    async def forget(self, photo: PhotoReady) -> None:
        raise ObjectStorageUnavailable
