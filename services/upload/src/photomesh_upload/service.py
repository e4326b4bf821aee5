"""The use cases of uploads, and what they need of the world."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from weakref import WeakValueDictionary

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import FieldError, InvalidRequest, Problem, Unavailable, WrongRegion
from photomesh_shared.events import Envelope, PhotoUploaded
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.object_keys import original_key
from photomesh_upload.domain import (
    Announcement,
    NamedPart,
    Part,
    PartUrl,
    Quotas,
    Status,
    StoredObject,
    Upload,
    Urls,
    choose_parts,
)
from photomesh_upload.errors import (
    SizeMismatch,
    UploadAborted,
    UploadCompleted,
    UploadExpired,
    UploadNotFound,
)
from photomesh_upload.metrics import COMPLETES, INITS, problems_counted

__all__ = [
    "IdSource",
    "LockedUpload",
    "Policy",
    "RawObjects",
    "UploadService",
    "Uploads",
]

log = logging.getLogger(__name__)

AFTER_STORE_BEGIN = declare("upload.after_store_begin", "the object store knows the upload, we do not")
AFTER_STORE_COMPLETE = declare("upload.after_store_complete", "the object is whole, nothing is committed")
AFTER_COMMIT = declare("upload.after_commit", "the completion is committed, not answered")


class IdSource(Protocol):
    def next(self) -> int:
        """A new id. Raises Unavailable."""
        ...


class LockedUpload(Protocol):
    """An upload that nobody else can change until the transaction ends."""

    @property
    def upload(self) -> Upload: ...

    async def complete(self, event: Envelope[PhotoUploaded]) -> None:
        """Marks it and adds the event to the outbox, both in this transaction."""
        ...


class Uploads(Protocol):
    """Where uploads are kept. Another account's upload is never found."""

    async def add(self, upload: Upload, quotas: Quotas) -> None:
        """Keeps a new upload. Raises QuotaExceeded, also when many are added at once."""
        ...

    async def find(self, account_id: int, upload_id: int) -> Upload | None: ...

    async def open_of(self, account_id: int, *, now: datetime, before: int | None, limit: int) -> list[Upload]:
        """The open ones, newest first, from below the id `before`."""
        ...

    def locked(self, account_id: int, upload_id: int) -> AbstractAsyncContextManager[LockedUpload | None]: ...

    async def abort(self, account_id: int, upload_id: int, now: datetime) -> bool:
        """Aborts it if it is open; whether it was."""
        ...

    async def mark_cleared(self, upload_ids: Sequence[int]) -> None:
        """Notes that the object store holds nothing more of these."""
        ...


class RawObjects(Protocol):
    """The raw bucket. Every method raises Unavailable when it does not answer."""

    @property
    def bucket(self) -> str: ...

    async def begin(self, key: str, content_type: str) -> str:
        """Begins a multipart upload; returns the store's id for it."""
        ...

    async def url(self, upload: Upload, part_number: int, seconds: int) -> str: ...

    async def arrived(self, upload: Upload) -> list[Part] | None:
        """The parts that are there; None when the store knows the upload no more: it is joined, or discarded."""
        ...

    async def join(self, upload: Upload, parts: Sequence[Part]) -> StoredObject | None:
        """Makes the object of these parts; None when the store knows the upload no more. Raises PartsMismatch."""
        ...

    async def find(self, upload: Upload) -> StoredObject | None:
        """The finished object."""
        ...

    async def clear(self, upload: Upload) -> None:
        """Discards whatever is there."""
        ...


@dataclass(frozen=True)
class Policy:
    """`regions` gives (name, URL) by number."""

    region: str
    region_number: int
    regions: Mapping[int, tuple[str, str]]
    upload_lifetime: timedelta
    url_lifetime: timedelta
    quotas: Quotas


class UploadService:
    def __init__(self, uploads: Uploads, objects: RawObjects, ids: IdSource, policy: Policy, clock: Clock) -> None:
        self._uploads = uploads
        self._objects = objects
        self._ids = ids
        self._policy = policy
        self._clock = clock
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def begin(self, account_id: int, filename: str, content_type: str, size_bytes: int) -> Urls:
        """Opens an upload. Raises PhotoTooLarge, UnsupportedType, InvalidRequest, QuotaExceeded."""
        with problems_counted(INITS):
            announced = Announcement.checked(filename, content_type, size_bytes)
            upload_id, photo_id, now = self._ids.next(), self._ids.next(), self._clock.now()
            multipart_id = await self._objects.begin(original_key(upload_id), announced.content_type)
            await failpoint(AFTER_STORE_BEGIN)  # what a crash leaves here, the bucket's lifecycle rule clears
            upload = Upload(
                upload_id=upload_id,
                account_id=account_id,
                photo_id=photo_id,
                announced=announced,
                multipart_id=multipart_id,
                created_at=now,
                expires_at=now + self._policy.upload_lifetime,
            )
            try:
                await self._uploads.add(upload, self._policy.quotas)
            except Problem:
                await self._clear(upload)
                raise
            urls = await self._presign(upload, upload.part_sizes)
        INITS.labels("begun").inc()
        return urls

    async def show(self, account_id: int, upload_id: int) -> tuple[Upload, list[Part]]:
        """The upload, with its status of now, and the parts that have arrived. Raises UploadNotFound, WrongRegion."""
        upload = await self._find(account_id, upload_id)
        if upload.status is not Status.OPEN:
            return upload, []
        arrived = await self._objects.arrived(upload)
        if arrived is None and await self._objects.find(upload) is not None:
            # A crash in the middle of `complete` left it so: all is there, and completing again finishes the work.
            arrived = [Part(number, "", size) for number, size in upload.part_sizes.items()]
        return upload, arrived or []

    async def list_open(self, account_id: int, *, before: int | None, limit: int) -> list[Upload]:
        return await self._uploads.open_of(account_id, now=self._clock.now(), before=before, limit=limit)

    async def fresh_urls(self, account_id: int, upload_id: int, part_numbers: Sequence[int]) -> Urls:
        """URLs for these parts. Raises UploadNotFound, WrongRegion, UploadCompleted, UploadExpired, UploadAborted,
        InvalidRequest for a part that the upload does not have."""
        upload = await self._find(account_id, upload_id)
        if upload.status is Status.COMPLETED:
            raise UploadCompleted(photo_id=ids.encode("p", upload.photo_id))
        _require_open(upload)
        count = len(upload.part_sizes)
        wrong = [
            FieldError(f"/part_numbers/{index}", f"must be from 1 to {count}")
            for index, number in enumerate(part_numbers)
            if number not in upload.part_sizes
        ]
        if wrong:
            raise InvalidRequest(errors=wrong)
        return await self._presign(upload, sorted(set(part_numbers)))

    async def complete(self, account_id: int, upload_id: int, named: Sequence[NamedPart]) -> Upload:
        """Makes the photo of what arrived; the same again for an upload that is complete.

        Raises UploadNotFound, WrongRegion, UploadExpired, UploadAborted, UploadIncomplete, PartsMismatch,
        SizeMismatch. Completions of one upload take turns: in this process by a lock that costs nothing, among
        processes by the row's, so that the object store never joins one upload twice at the same time.
        """
        turn = self._turns.setdefault(upload_id, asyncio.Lock())
        with problems_counted(COMPLETES):
            self._require_our_region(upload_id)
            async with turn, self._uploads.locked(account_id, upload_id) as locked:
                if locked is None:
                    raise UploadNotFound
                if locked.upload.status is Status.COMPLETED:
                    COMPLETES.labels("repeated").inc()
                    return locked.upload
                upload = self._as_of_now(locked.upload)
                _require_open(upload)
                stored = await self._join(upload, named)
                await failpoint(AFTER_STORE_COMPLETE)
                await locked.complete(self._event(upload, stored))
            await failpoint(AFTER_COMMIT)
        COMPLETES.labels("completed").inc()
        log.info(
            "upload completed",
            extra={"upload_id": ids.encode("up", upload_id), "photo_id": ids.encode("p", upload.photo_id)},
        )
        return replace(upload, status=Status.COMPLETED)

    async def abort(self, account_id: int, upload_id: int) -> None:
        """Discards the upload; nothing happens to one that has ended so or expired. Raises UploadNotFound,
        WrongRegion, UploadCompleted."""
        self._require_our_region(upload_id)
        aborted = await self._uploads.abort(account_id, upload_id, self._clock.now())
        upload = await self._find(account_id, upload_id)
        if upload.status is Status.COMPLETED:
            raise UploadCompleted(photo_id=ids.encode("p", upload.photo_id))
        if aborted and await self._clear(upload):
            await self._uploads.mark_cleared([upload_id])

    async def _find(self, account_id: int, upload_id: int) -> Upload:
        self._require_our_region(upload_id)
        upload = await self._uploads.find(account_id, upload_id)
        if upload is None:
            raise UploadNotFound
        return self._as_of_now(upload)

    def _as_of_now(self, upload: Upload) -> Upload:
        return replace(upload, status=upload.status_at(self._clock.now()))

    def _require_our_region(self, upload_id: int) -> None:
        number = ids.region_of(upload_id)
        if number != self._policy.region_number:
            if number not in self._policy.regions:
                raise UploadNotFound
            name, url = self._policy.regions[number]
            raise WrongRegion(region=name, region_url=url)

    async def _presign(self, upload: Upload, numbers: Iterable[int]) -> Urls:
        now = self._clock.now()
        expire_at = min(now + self._policy.url_lifetime, upload.expires_at)
        seconds = max(1, int((expire_at - now).total_seconds()))
        parts = [PartUrl(number, await self._objects.url(upload, number, seconds)) for number in numbers]
        return Urls(upload, parts, expire_at)

    async def _join(self, upload: Upload, named: Sequence[NamedPart]) -> StoredObject:
        arrived, stored = await self._objects.arrived(upload), None
        if arrived is not None:
            stored = await self._objects.join(upload, choose_parts(upload, arrived, named))
        if stored is None:  # an earlier try joined the parts that it had checked, and got no further
            stored = await self._objects.find(upload)
        if stored is None:
            raise UploadExpired("Object storage no longer holds the parts.")
        if stored.size_bytes != upload.announced.size_bytes:
            raise SizeMismatch(announced_bytes=upload.announced.size_bytes, arrived_bytes=stored.size_bytes)
        return stored

    def _event(self, upload: Upload, stored: StoredObject) -> Envelope[PhotoUploaded]:
        now = self._clock.now()
        event = PhotoUploaded(
            photo_id=upload.photo_id,
            upload_id=upload.upload_id,
            owner_id=upload.account_id,
            region=self._policy.region,
            bucket=self._objects.bucket,
            key=upload.key,
            etag=stored.etag,
            size_bytes=stored.size_bytes,
            content_type=upload.announced.content_type,
            filename=upload.announced.filename,
            uploaded_at=now,
        )
        return Envelope.of(event, entityversion=1, id=f"{event.subject()}.{event.type_}.1", time=now)

    async def _clear(self, upload: Upload) -> bool:
        """Whether it worked; if not, the sweeper or the bucket's lifecycle rule comes back to it."""
        try:
            await self._objects.clear(upload)
        except Unavailable as error:
            log.warning("an upload was not cleared", extra={"key": upload.key, "reason": str(error)})
            return False
        return True


def _require_open(upload: Upload) -> None:
    if upload.status is Status.ABORTED:
        raise UploadAborted
    if upload.status is Status.EXPIRED:
        raise UploadExpired
