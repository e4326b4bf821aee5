"""Models and the pointer in object storage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from photomesh_shared.ranking.models import MAX_MODEL_BYTES, Model, load_model
from photomesh_shared.ranking.rollout import MAX_POINTER_BYTES, Pointer, model_key, pointer_key
from photomesh_shared.stores.object_storage import NoSuchObject, ObjectStorage

__all__ = ["ModelStore"]

_JSON = "application/json"


class ModelStore:
    """Every method raises ObjectStorageUnavailable."""

    def __init__(self, storage: ObjectStorage, bucket: str) -> None:
        self._storage = storage
        self._bucket = bucket

    async def pointer(self) -> tuple[Pointer | None, str | None]:
        """Return the pointer and its ETag; None for one that cannot be read, which is then replaced."""
        try:
            info = await self._storage.head(self._bucket, pointer_key())
            body = await self._storage.get(self._bucket, pointer_key(), max_bytes=MAX_POINTER_BYTES, etag=info.etag)
        except NoSuchObject:
            return None, None
        try:
            return Pointer.model_validate_json(bytes(body)), info.etag
        except ValidationError:
            return None, info.etag

    async def save_pointer(self, pointer: Pointer, etag: str | None) -> None:
        """Raises ObjectReplaced if somebody else has changed it."""
        await self._storage.replace(self._bucket, pointer_key(), pointer.encode(), etag=etag, content_type=_JSON)

    async def model(self, name: str) -> Model:
        """Raises RefusedModel, NoSuchObject, ObjectTooLarge."""
        body = await self._storage.get(self._bucket, model_key(name, "model.json"), max_bytes=MAX_MODEL_BYTES)
        return load_model(bytes(body), name.rpartition("-")[2])

    async def save_model(
        self, name: str, model: bytes, calibration: Mapping[str, Any], meta: Mapping[str, Any]
    ) -> None:
        """The model comes last: what has one is whole."""
        for file, content in (("calibration.json", calibration), ("meta.json", meta)):
            body = json.dumps(content, indent=2, sort_keys=True).encode()
            await self._storage.put(self._bucket, model_key(name, file), body, content_type=_JSON)
        await self._storage.put(self._bucket, model_key(name, "model.json"), model, content_type=_JSON)
