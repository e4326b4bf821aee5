"""Builders for tests of upload: its database and its bucket in memory.

`tests/integration/upload/test_adapters.py` holds them and the real ones to the same behaviour.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from photomesh_shared.errors import IdempotencyKeyInUse, Unavailable
from photomesh_shared.events import Envelope, Event, PhotoReprocessRequested, PhotoUploaded
from photomesh_upload.domain import (
    Original,
    Purpose,
    Quotas,
    Selection,
    Status,
    StoredObject,
    StoredPart,
    Upload,
    Usage,
)
from photomesh_upload.errors import PartsMismatch

__all__ = ["InMemoryBucket", "InMemoryUploads"]


@dataclass
class InMemoryUploads:
    """Implements what `store.PostgresUploads` implements."""

    rows: dict[int, Upload] = field(default_factory=dict)
    closed_at: dict[int, datetime] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    outbox: list[Envelope[Event]] = field(default_factory=list)
    originals: dict[int, Original] = field(default_factory=dict)
    reprocess_outbox: list[Envelope[PhotoReprocessRequested]] = field(default_factory=list)
    announced: Counter[int] = field(default_factory=Counter)
    usage: dict[tuple[int, date], tuple[int, int]] = field(default_factory=dict)
    claims: dict[int, datetime] = field(default_factory=dict)
    audits: dict[int, tuple[datetime, int]] = field(default_factory=dict)
    """Time, and counted bytes."""
    down: bool = False

    def _check(self) -> None:
        if self.down:
            raise Unavailable

    async def add(self, upload: Upload, quotas: Quotas) -> None:
        self._check()
        now, account = upload.created_at, upload.account_id
        if upload.upload_id in self.rows:
            raise IdempotencyKeyInUse
        today = (account, now.astimezone(UTC).date())
        count, total = self.usage.get(today, (0, 0))
        used = (count + 1, total + upload.file.size_bytes)
        opened = len(await self.list_open(account, now=now, before=None, limit=1_000_000))
        quotas.check(Usage(opened + 1, *used), now)
        self.usage[today] = used
        self.rows[upload.upload_id] = upload

    async def find(self, account_id: int, upload_id: int) -> Upload | None:
        self._check()
        upload = self.rows.get(upload_id)
        return upload if upload and upload.account_id == account_id else None

    async def list_open(self, account_id: int, *, now: datetime, before: int | None, limit: int) -> list[Upload]:
        self._check()
        found = [
            upload
            for upload in self.rows.values()
            if upload.account_id == account_id
            and upload.status_at(now) is Status.OPEN
            and (before is None or upload.upload_id < before)
        ]
        return sorted(found, key=lambda upload: -upload.upload_id)[:limit]

    async def claim(self, account_id: int, upload_id: int, *, now: datetime, until: datetime) -> Upload | None:
        upload = await self.find(account_id, upload_id)
        if upload is None or upload.status_at(now) is not Status.OPEN or self._is_claimed(upload_id, now):
            return None
        self.claims[upload_id] = until
        return upload

    async def complete(self, upload_id: int, claimed_until: datetime, event: Envelope[PhotoUploaded]) -> bool:
        self._check()
        upload = self.rows[upload_id]
        if upload.status is not Status.OPEN or self.claims.get(upload_id) != claimed_until:
            return False
        self._close(upload, Status.COMPLETED, event.time)
        self.outbox.append(event)
        photo = event.data
        self.originals[photo.photo_id] = Original(
            photo_id=photo.photo_id,
            upload_id=photo.upload_id,
            account_id=photo.owner_id,
            content_type=photo.content_type,
            size_bytes=photo.size_bytes,
            etag=photo.etag,
            uploaded_at=photo.uploaded_at,
            version=event.entityversion,
            filename=upload.file.filename,
            purpose=Purpose(photo.purpose),
        )
        return True

    async def find_originals(self, selection: Selection, *, after: int, limit: int) -> list[Original]:
        self._check()
        found = [
            replace(original, filename=original.filename if original.upload_id in self.rows else "")
            for photo_id, original in sorted(self.originals.items())
            if photo_id > after
            and (selection.photo_ids is None or photo_id in selection.photo_ids)
            and selection.account_id in (None, original.account_id)
            and (selection.uploaded_before is None or original.uploaded_at < selection.uploaded_before)
        ]
        return found[:limit]

    async def request_reprocessing(self, events: Sequence[Envelope[PhotoReprocessRequested]]) -> int:
        self._check()
        requested = 0
        for event in events:
            original = self.originals.get(event.data.photo_id)
            if original and original.version + 1 < event.entityversion:
                self.originals[original.photo_id] = replace(original, version=event.entityversion)
                self.reprocess_outbox.append(event)
                requested += 1
        return requested

    async def forget_originals(self, photo_ids: Sequence[int]) -> None:
        self._check()
        for photo_id in photo_ids:
            self.originals.pop(photo_id, None)

    async def release(self, upload_id: int, claimed_until: datetime) -> None:
        self._check()
        if self.claims.get(upload_id) == claimed_until:
            del self.claims[upload_id]

    async def abort(self, account_id: int, upload_id: int, now: datetime) -> bool:
        upload = await self.find(account_id, upload_id)
        if upload is None or upload.status is not Status.OPEN or self._is_claimed(upload_id, now):
            return False
        self._close(upload, Status.ABORTED, now)
        return True

    def _is_claimed(self, upload_id: int, now: datetime) -> bool:
        return upload_id in self.claims and self.claims[upload_id] > now

    def _close(self, upload: Upload, status: Status, now: datetime) -> None:
        self.rows[upload.upload_id] = replace(upload, status=status)
        self.closed_at[upload.upload_id] = now

    async def mark_deleted(self, upload_ids: Sequence[int]) -> None:
        self._check()
        self.deleted.update(upload_ids)

    async def count_open(self) -> int:
        self._check()
        return sum(upload.status is Status.OPEN for upload in self.rows.values())

    @asynccontextmanager
    async def sweep_lease(self) -> AsyncIterator[bool]:
        yield True

    async def expire(self, now: datetime, limit: int) -> int:
        self._check()
        due = [
            upload
            for upload in self.rows.values()
            if upload.status is Status.OPEN and upload.expires_at <= now and not self._is_claimed(upload.upload_id, now)
        ][:limit]
        for upload in due:
            self._close(upload, Status.EXPIRED, now)
        return len(due)

    async def to_audit(self, audited_before: datetime, limit: int) -> list[Upload]:
        self._check()
        due = [
            upload
            for upload in self.rows.values()
            if upload.status is Status.OPEN
            and self.audits.get(upload.upload_id, (upload.created_at, 0))[0] <= audited_before
        ]
        return due[:limit]

    async def record_audit(self, upload: Upload, stored_bytes: int, now: datetime) -> None:
        self._check()
        _, counted = self.audits.get(upload.upload_id, (now, upload.file.size_bytes))
        self.audits[upload.upload_id] = (now, max(counted, stored_bytes))
        today = (upload.account_id, now.astimezone(UTC).date())
        count, total = self.usage.get(today, (0, 0))
        self.usage[today] = (count, total + max(stored_bytes - counted, 0))

    async def expire_upload(self, upload_id: int, now: datetime) -> bool:
        self._check()
        upload = self.rows[upload_id]
        if upload.status is not Status.OPEN or self._is_claimed(upload_id, now):
            return False
        self._close(upload, Status.EXPIRED, now)
        return True

    async def to_delete(self, limit: int) -> list[Upload]:
        self._check()
        ended = (Status.ABORTED, Status.EXPIRED)
        return [u for u in self.rows.values() if u.status in ended and u.upload_id not in self.deleted][:limit]

    async def announce(
        self, announced: int, completed_before: datetime, event_of: Callable[[Upload], Envelope[Event]], limit: int
    ) -> int:
        self._check()
        due = [
            upload
            for upload in self.rows.values()
            if upload.status is Status.COMPLETED
            and self.announced[upload.upload_id] == announced
            and self.closed_at[upload.upload_id] <= completed_before
        ][:limit]
        for upload in due:
            self.announced[upload.upload_id] += 1
            self.outbox.append(event_of(upload))
        return len(due)

    async def delete_ended(self, ended_before: datetime, announced: int, limit: int) -> int:
        self._check()
        old = [
            upload_id
            for upload_id, closed_at in self.closed_at.items()
            if closed_at < ended_before and (self.announced[upload_id] >= announced or upload_id in self.deleted)
        ][:limit]
        for upload_id in old:
            del self.rows[upload_id], self.closed_at[upload_id]
        return len(old)


@dataclass
class InMemoryBucket:
    """Implements `service.RawObjects`."""

    bucket: str = "raw"
    multiparts: dict[str, list[tuple[int, bytes]]] = field(default_factory=dict)
    objects: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    down: bool = False
    joins: int = 0
    _created: int = 0

    def _check(self) -> None:
        if self.down:
            raise Unavailable

    def send(self, upload: Upload, part_number: int, content: bytes) -> str:
        """The effect of a client's PUT. Raises KeyError once the multipart upload has ended."""
        self.multiparts[upload.multipart_id].append((part_number, content))
        return _md5(content)

    async def create_multipart(self, key: str, content_type: str) -> str:
        self._check()
        self._created += 1
        multipart_id = f"multipart-{self._created}"
        self.multiparts[multipart_id] = []
        return multipart_id

    async def presign_part(self, upload: Upload, part_number: int, seconds: int) -> str:
        return f"https://storage/{upload.key}?part={part_number}&seconds={seconds}"

    async def list_parts(self, upload: Upload) -> list[StoredPart] | None:
        self._check()
        if upload.multipart_id not in self.multiparts:
            return None
        sent = sorted(self.multiparts[upload.multipart_id], key=lambda part: part[0])
        return [StoredPart(number, _md5(content), len(content)) for number, content in sent]

    async def join(self, upload: Upload, parts: Sequence[StoredPart]) -> StoredObject | None:
        self._check()
        sent = self.multiparts.get(upload.multipart_id)
        if sent is None:
            return None
        held = {(number, _md5(content)): content for number, content in sent}
        if any((part.part_number, part.etag) not in held for part in parts):
            raise PartsMismatch
        contents = {part.part_number: held[part.part_number, part.etag] for part in parts}
        whole = b"".join(contents[number] for number in sorted(contents))
        self.objects[upload.key] = (f"{_md5(whole)}-{len(contents)}", whole)
        del self.multiparts[upload.multipart_id]
        self.joins += 1
        return await self.find(upload)

    async def find(self, upload: Upload | Original) -> StoredObject | None:
        self._check()
        if upload.key not in self.objects:
            return None
        etag, content = self.objects[upload.key]
        return StoredObject(etag, len(content))

    async def abort_multipart(self, upload: Upload) -> None:
        self._check()
        self.multiparts.pop(upload.multipart_id, None)

    async def delete(self, upload: Upload) -> None:
        await self.abort_multipart(upload)
        self.objects.pop(upload.key, None)


def _md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
