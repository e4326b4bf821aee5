"""Packs a part of an export: photos, and in the last part everything else, as a zip that goes to object storage while
it is made."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime

from stream_zip import ZIP_64, ZIP_AUTO, AsyncMemberFile, async_stream_zip

from photomesh_export.documents.document import Document, Documents
from photomesh_export.domain import ExportFile, ExportPart, Lease
from photomesh_export.metrics import BYTES, FAILED_ITEMS
from photomesh_export.running.protocols import Objects, Originals, RunStore
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["AFTER_UPLOAD", "DURING_PART", "Packer"]

log = logging.getLogger(__name__)

DURING_PART = declare("export.during_part", "a photo of a zip was read, the zip is not stored")
AFTER_UPLOAD = declare("export.after_upload", "a zip is stored, the checkpoint is not")

_MODE = 0o100600
_STORED = 0  # photos are compressed already
_ZIP_CHUNK = 1024 * 1024
_READS = 4
_BACKOFF = Backoff(base=0.5, cap=5.0)


class Packer:
    def __init__(
        self, store: RunStore, objects: Objects, originals: Originals, documents: Documents, clock: Clock
    ) -> None:
        self._store = store
        self._objects = objects
        self._originals = originals
        self._documents = documents
        self._clock = clock

    async def pack(self, lease: Lease, number: int, *, last: bool) -> None:
        """Make and store a part. Raises Unavailable or LeaseLost; then nothing stays of it."""
        key = lease.export.part_key(number, lease.token)
        async with self._objects.upload(key) as upload:
            async for chunk in async_stream_zip(self._members(lease, number, last=last), chunk_size=_ZIP_CHUNK):
                await upload.write(chunk)
            await upload.complete()
        await failpoint(AFTER_UPLOAD)
        part = ExportPart(number, key, upload.size_bytes, upload.sha256, self._clock.now())
        await self._store.save_part(lease, part)
        BYTES.inc(upload.size_bytes)

    async def _members(self, lease: Lease, number: int, *, last: bool) -> AsyncGenerator[AsyncMemberFile, None]:
        async for file in self._store.files(lease.export.id, number):
            reading = _Reading(self, lease, file)
            # Before its entry is begun: what is absent has none.
            if await reading.open():
                yield file.name, file.modified_at, _MODE, ZIP_AUTO(file.size_bytes, level=_STORED), reading.chunks()
                await failpoint(DURING_PART)
        if last:
            # Last, because the manifest says what failed.
            now = self._clock.now()
            async for document in self._documents.of(lease.export, now):
                yield _member(document, now)

    async def fail(self, lease: Lease, file: ExportFile, problem: str) -> None:
        """List a photo as failed."""
        log.warning("photo left out of an export", extra={"key": file.object_key, "reason": problem})
        FAILED_ITEMS.labels("original").inc()
        await self._store.save_problem(lease, file.number, problem)

    def stream(self, file: ExportFile, start: int) -> AsyncGenerator[bytes, None]:
        return self._originals.stream(file, start)

    async def pause(self, failures: int) -> None:
        await self._clock.sleep(_BACKOFF.delay(failures))


class _Reading:
    """Reads one photo; goes on where a connection broke off, a few times."""

    def __init__(self, packer: Packer, lease: Lease, file: ExportFile) -> None:
        self._packer = packer
        self._lease = lease
        self._file = file
        self._stream: AsyncGenerator[bytes, None] | None = None
        self._first = b""
        self._read = 0
        self._failures = 0

    async def open(self) -> bool:
        """Read the first chunk. Returns False if the photo cannot be read, and lists it as failed."""
        while True:
            stream = self._packer.stream(self._file, 0)
            try:
                self._first = await anext(stream, b"")
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one photo, the export goes on
                await stream.aclose()
                if not await self._again(error):
                    return False
            else:
                self._stream = stream
                return True

    async def chunks(self) -> AsyncIterator[bytes]:
        chunk = self._first
        assert self._stream is not None
        while chunk:
            self._read += len(chunk)
            yield chunk
            while True:
                try:
                    chunk = await anext(self._stream, b"")
                    break
                except Exception as error:  # noqa: BLE001 - as above
                    await self._stream.aclose()
                    if not await self._again(error):
                        return
                    self._stream = self._packer.stream(self._file, self._read)
        await self._stream.aclose()
        if self._read != self._file.size_bytes:
            await self._packer.fail(
                self._lease, self._file, f"has {self._read} bytes instead of {self._file.size_bytes}"
            )

    async def _again(self, error: Exception) -> bool:
        self._failures += 1
        if isinstance(error, Unavailable) and self._failures < _READS:
            await self._packer.pause(self._failures)
            return True
        kind = "could not be read" if isinstance(error, Unavailable) else "is not in storage any more"
        problem = f"{kind} ({type(error).__name__})" + (f"; only {self._read} bytes are there" if self._read else "")
        await self._packer.fail(self._lease, self._file, problem)
        return False


def _member(document: Document, now: datetime) -> AsyncMemberFile:
    return document.name, now, _MODE, ZIP_64, document.chunks
