"""The buckets: work in progress and zips in `exports`, photos in `raw`."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from photomesh_export.domain import ExportFile
from photomesh_shared.errors import Unavailable
from photomesh_shared.stores.object_storage import ObjectStorage, UploadedPart

__all__ = ["ExportsBucket", "RawBucket", "ZipUpload"]

_MAX_CHUNK = 256 * 1024 * 1024  # far above what a chunk of items may be


@dataclass
class ZipUpload:
    """A zip on its way to object storage, which takes it in parts: only the one that is being filled is in memory."""

    _storage: ObjectStorage
    _bucket: str
    _key: str
    _multipart_id: str
    _part_bytes: int

    def __post_init__(self) -> None:
        self._buffer = bytearray()
        self._parts: list[UploadedPart] = []
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def write(self, chunk: bytes) -> None:
        self._hash.update(chunk)
        self.size_bytes += len(chunk)
        self._buffer += chunk
        if len(self._buffer) >= self._part_bytes:
            await self._flush()

    async def complete(self) -> None:
        if self._buffer or not self._parts:
            await self._flush()
        await self._storage.complete_multipart(
            self._bucket, self._key, multipart_id=self._multipart_id, parts=self._parts
        )

    async def _flush(self) -> None:
        body, self._buffer = bytes(self._buffer), bytearray()
        self._parts.append(
            await self._storage.upload_part(
                self._bucket,
                self._key,
                multipart_id=self._multipart_id,
                part_number=len(self._parts) + 1,
                body=body,
            )
        )


class ExportsBucket:
    """Every method raises ObjectStorageUnavailable when the store does not answer."""

    def __init__(self, storage: ObjectStorage, bucket: str, *, part_bytes: int = 16 * 1024 * 1024) -> None:
        self._storage = storage
        self._bucket = bucket
        self._part_bytes = part_bytes

    async def put_chunk(self, key: str, lines: bytes) -> None:
        await self._storage.put(self._bucket, key, lines, content_type="application/x-ndjson")

    async def get_chunk(self, key: str) -> bytes:
        """Raises NoSuchObject."""
        return bytes(await self._storage.get(self._bucket, key, max_bytes=_MAX_CHUNK))

    @asynccontextmanager
    async def upload(self, key: str) -> AsyncIterator[ZipUpload]:
        """Upload a zip. Unless it is completed inside, nothing stays of it."""
        multipart_id = await self._storage.create_multipart(self._bucket, key, content_type="application/zip")
        upload = ZipUpload(self._storage, self._bucket, key, multipart_id, self._part_bytes)
        try:
            yield upload
        except BaseException:
            with suppress(Unavailable):  # the lifecycle rule removes it
                await self._storage.abort_multipart(self._bucket, key, multipart_id=multipart_id)
            raise

    async def link(self, key: str, filename: str, seconds: int) -> str:
        return await self._storage.presign_get(self._bucket, key, filename=filename, expires_seconds=seconds)

    async def delete_all(self, prefix: str) -> int:
        """Delete all objects of an export, or of an account. Idempotent."""
        return await self._storage.delete_prefix(self._bucket, f"{prefix}/")

    async def ping(self) -> None:
        await self._storage.ping(self._bucket, "u_")


class RawBucket:
    """Photos as they were uploaded."""

    def __init__(self, storage: ObjectStorage, bucket: str) -> None:
        self._storage = storage
        self._bucket = bucket

    def stream(self, file: ExportFile, start: int) -> AsyncGenerator[bytes, None]:
        """Yield a photo from an offset on. Raises NoSuchObject, ObjectReplaced or ObjectStorageUnavailable."""
        return self._storage.stream(self._bucket, file.object_key, start=start, etag=file.etag)
