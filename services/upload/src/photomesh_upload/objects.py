"""The raw bucket in object storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from photomesh_shared.errors import ObjectStorageUnavailable
from photomesh_shared.stores.object_storage import NoSuchObject, NoSuchUpload, ObjectStorage, PartsRefused, UploadedPart
from photomesh_upload.domain import Original, StoredObject, StoredPart, Upload
from photomesh_upload.errors import PartsMismatch

__all__ = ["RawBucket"]

_CALL_SECONDS = 10.0


@asynccontextmanager
async def _bounded() -> AsyncIterator[None]:
    """Bounds the duration of a call."""
    try:
        async with asyncio.timeout(_CALL_SECONDS):
            yield
    except TimeoutError as error:
        raise ObjectStorageUnavailable from error


class RawBucket:
    """Implements `protocols.RawObjects` and `reprocessing.Originals`. Coroutines raise ObjectStorageUnavailable."""

    def __init__(self, storage: ObjectStorage, bucket: str) -> None:
        self._storage = storage
        self._bucket = bucket

    @property
    def bucket(self) -> str:
        return self._bucket

    async def create_multipart(self, key: str, content_type: str) -> str:
        async with _bounded():
            return await self._storage.create_multipart(self._bucket, key, content_type=content_type)

    async def presign_part(self, upload: Upload, part_number: int, seconds: int) -> str:
        return await self._storage.presign_part(
            self._bucket,
            upload.key,
            multipart_id=upload.multipart_id,
            part_number=part_number,
            size_bytes=upload.part_sizes[part_number],
            expires_seconds=seconds,
        )

    async def list_parts(self, upload: Upload) -> list[StoredPart] | None:
        try:
            async with _bounded():
                parts = await self._storage.list_parts(self._bucket, upload.key, multipart_id=upload.multipart_id)
        except NoSuchUpload:
            return None
        return [StoredPart(part.part_number, part.etag, part.size_bytes) for part in parts]

    async def join(self, upload: Upload, parts: Sequence[StoredPart]) -> StoredObject | None:
        try:
            async with _bounded():
                etag = await self._storage.complete_multipart(
                    self._bucket,
                    upload.key,
                    multipart_id=upload.multipart_id,
                    parts=[UploadedPart(part.part_number, part.etag) for part in parts],
                )
        except NoSuchUpload:
            return None
        except PartsRefused as error:
            raise PartsMismatch(part_numbers=sorted({part.part_number for part in parts})) from error
        return StoredObject(etag, sum({part.part_number: part.size_bytes for part in parts}.values()))

    async def find(self, upload: Upload | Original) -> StoredObject | None:
        try:
            async with _bounded():
                info = await self._storage.head(self._bucket, upload.key)
        except NoSuchObject:
            return None
        return StoredObject(info.etag, info.size_bytes)

    async def abort_multipart(self, upload: Upload) -> None:
        async with _bounded():
            await self._storage.abort_multipart(self._bucket, upload.key, multipart_id=upload.multipart_id)

    async def delete_original(self, original: Original) -> None:
        async with _bounded():
            await self._storage.delete(self._bucket, [original.key])

    async def delete(self, upload: Upload) -> None:
        await self.abort_multipart(upload)
        async with _bounded():
            await self._storage.delete(self._bucket, [upload.key])
