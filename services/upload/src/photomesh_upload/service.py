"""Use cases of uploads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.errors import (
    FieldError,
    InvalidRequest,
    ObjectStorageUnavailable,
    Problem,
    Unavailable,
    WrongRegion,
)
from photomesh_shared.events import Envelope, PhotoUploaded
from photomesh_shared.events.versions import version_at
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import CreationId
from photomesh_shared.object_keys import original_key
from photomesh_upload.domain import (
    CompletedPart,
    FileInfo,
    PartUrl,
    PresignedUrls,
    Purpose,
    Quotas,
    Status,
    StoredObject,
    StoredPart,
    Upload,
    select_parts,
)
from photomesh_upload.errors import (
    SizeMismatch,
    UploadAborted,
    UploadBusy,
    UploadCompleted,
    UploadExpired,
    UploadNotFound,
)
from photomesh_upload.metrics import COMPLETES, INITS, problems_counted
from photomesh_upload.protocols import IdSource, RawObjects, UploadStore

__all__ = ["Policy", "UploadService"]

log = logging.getLogger(__name__)

AFTER_STORE_BEGIN = declare("upload.after_store_begin", "object storage has the upload, the database does not")
AFTER_ADD = declare("upload.after_add", "the upload is stored, not answered")
AFTER_STORE_COMPLETE = declare("upload.after_store_complete", "the object exists, nothing is committed")
AFTER_COMMIT = declare("upload.after_commit", "the completion is committed, not answered")

_JOIN_SECONDS = 10.0  # for the three calls to object storage of a completion, which take milliseconds
_CLAIM = timedelta(seconds=12)  # longer than those, for clocks that differ
_WAIT_SECONDS = 14.0  # longer than a claim, so that a repeat after a crash outlasts it
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Policy:
    """`regions` maps a number to (name, URL)."""

    region: str
    region_number: int
    regions: Mapping[int, tuple[str, str]]
    upload_lifetime: timedelta
    url_lifetime: timedelta
    quotas: Quotas


class UploadService:
    def __init__(self, store: UploadStore, objects: RawObjects, ids: IdSource, policy: Policy, clock: Clock) -> None:
        self._store = store
        self._objects = objects
        self._ids = ids
        self._policy = policy
        self._clock = clock
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def create_upload(
        self,
        creation: CreationId,
        account_id: int,
        filename: str,
        content_type: str,
        size_bytes: int,
        purpose: Purpose = Purpose.POST,
    ) -> PresignedUrls:
        """A repeated creation returns URLs of the upload that an earlier attempt stored.

        Raises PhotoTooLarge, UnsupportedType, InvalidRequest, QuotaExceeded, IdempotencyKeyInUse, and as
        `create_part_urls` if the stored upload is not open.
        """
        with problems_counted(INITS):
            file = FileInfo.validated(filename, content_type, size_bytes)
            if creation.repeated and (stored := await self._store.find(account_id, creation.id)):
                _require_open(self._effective(stored))
                return await self._presign(stored, stored.part_sizes)
            now = self._clock.now()
            multipart_id = await self._objects.create_multipart(original_key(creation.id), file.content_type)
            await failpoint(AFTER_STORE_BEGIN)  # after a crash here, the bucket's lifecycle rule deletes it
            upload = Upload(
                upload_id=creation.id,
                account_id=account_id,
                photo_id=self._ids.next(),
                file=file,
                multipart_id=multipart_id,
                created_at=now,
                expires_at=now + self._policy.upload_lifetime,
                purpose=purpose,
            )
            try:
                await self._store.add(upload, self._policy.quotas)
            except Unavailable:  # the commit may have succeeded, and a repeat will use the multipart upload
                raise
            except Problem:
                await self._abort_multipart(upload)
                raise
            await failpoint(AFTER_ADD)
            urls = await self._presign(upload, upload.part_sizes)
        INITS.labels("created").inc()
        return urls

    async def get_upload(self, account_id: int, upload_id: int) -> tuple[Upload, list[StoredPart]]:
        """The upload with its effective status, and its stored parts. Raises UploadNotFound, WrongRegion."""
        upload = await self._find(account_id, upload_id)
        if upload.status is not Status.OPEN:
            return upload, []
        stored = await self._objects.list_parts(upload)
        if stored is None and await self._objects.find(upload) is not None:
            # `complete_upload` crashed after joining the parts; the next completion finishes it.
            stored = [StoredPart(number, "", size) for number, size in upload.part_sizes.items()]
        return upload, stored or []

    async def list_open_uploads(self, account_id: int, *, before: int | None, limit: int) -> list[Upload]:
        return await self._store.list_open(account_id, now=self._clock.now(), before=before, limit=limit)

    async def create_part_urls(self, account_id: int, upload_id: int, part_numbers: Sequence[int]) -> PresignedUrls:
        """Raises UploadNotFound, WrongRegion, UploadCompleted, UploadExpired, UploadAborted,
        InvalidRequest for a part number out of range."""
        upload = await self._find(account_id, upload_id)
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

    async def complete_upload(self, account_id: int, upload_id: int, listed: Sequence[CompletedPart]) -> Upload:
        """Joins the parts and publishes the photo. Idempotent.

        Raises UploadNotFound, WrongRegion, UploadExpired, UploadAborted, UploadIncomplete, PartsMismatch,
        SizeMismatch, UploadBusy. Completions of one upload are serialised, so that object storage never joins one
        upload twice at the same time: in this process by a lock, between processes by a claim in the database, for no
        transaction may last as long as a call to object storage.
        """
        lock = self._locks.setdefault(upload_id, asyncio.Lock())
        with problems_counted(COMPLETES):
            self._require_our_region(upload_id)
            async with lock:
                upload, claimed_until = await self._claim(account_id, upload_id)
                if claimed_until is None:
                    if upload.status is not Status.COMPLETED:
                        _require_open(upload)
                    COMPLETES.labels("repeated").inc()
                    return upload
                try:
                    await self._complete(upload, claimed_until, listed)
                except BaseException:
                    with suppress(Unavailable):  # then the claim ends by itself
                        await self._store.release(upload_id, claimed_until)
                    raise
            await failpoint(AFTER_COMMIT)
        COMPLETES.labels("completed").inc()
        log.info(
            "upload completed",
            extra={"upload_id": ids.encode("up", upload_id), "photo_id": ids.encode("p", upload.photo_id)},
        )
        return replace(upload, status=Status.COMPLETED)

    async def _complete(self, upload: Upload, claimed_until: datetime, listed: Sequence[CompletedPart]) -> None:
        try:
            async with asyncio.timeout(_JOIN_SECONDS):
                joined = await self._join(upload, listed)
        except TimeoutError as error:
            raise ObjectStorageUnavailable from error
        await failpoint(AFTER_STORE_COMPLETE)
        if not await self._store.complete(upload.upload_id, claimed_until, self._event(upload, joined)):
            raise UploadBusy

    async def _claim(self, account_id: int, upload_id: int) -> tuple[Upload, datetime | None]:
        """Returns an open upload and the end of the claim on it, or one that is not open and None. Waits while another
        process has a claim. Raises UploadNotFound, UploadBusy."""
        deadline = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            now = self._clock.now()
            until = now + _CLAIM
            if claimed := await self._store.claim(account_id, upload_id, now=now, until=until):
                return claimed, until
            upload = await self._find(account_id, upload_id)
            if upload.status is not Status.OPEN:
                return upload, None
            await self._wait(deadline)

    async def _wait(self, deadline: float) -> None:
        if self._clock.monotonic() >= deadline:
            raise UploadBusy
        await self._clock.sleep(_POLL_SECONDS)

    async def abort_upload(self, account_id: int, upload_id: int) -> None:
        """Deletes what was uploaded. Idempotent; no effect on an expired upload. Raises UploadNotFound, WrongRegion,
        UploadCompleted, UploadBusy."""
        self._require_our_region(upload_id)
        deadline = self._clock.monotonic() + _WAIT_SECONDS
        while True:
            aborted = await self._store.abort(account_id, upload_id, self._clock.now())
            upload = await self._find(account_id, upload_id)
            if upload.status is not Status.OPEN:
                break
            await self._wait(deadline)
        if upload.status is Status.COMPLETED:
            raise UploadCompleted(photo_id=ids.encode("p", upload.photo_id))
        if aborted and await self._delete_objects(upload):
            await self._store.mark_deleted([upload_id])

    async def _find(self, account_id: int, upload_id: int) -> Upload:
        self._require_our_region(upload_id)
        upload = await self._store.find(account_id, upload_id)
        if upload is None:
            raise UploadNotFound
        return self._effective(upload)

    def _effective(self, upload: Upload) -> Upload:
        return replace(upload, status=upload.status_at(self._clock.now()))

    def _require_our_region(self, upload_id: int) -> None:
        number = ids.region_of(upload_id)
        if number != self._policy.region_number:
            if number not in self._policy.regions:
                raise UploadNotFound
            name, url = self._policy.regions[number]
            raise WrongRegion(region=name, region_url=url)

    async def _presign(self, upload: Upload, numbers: Iterable[int]) -> PresignedUrls:
        now = self._clock.now()
        expire_at = min(now + self._policy.url_lifetime, upload.expires_at)
        seconds = max(1, int((expire_at - now).total_seconds()))
        parts = [PartUrl(number, await self._objects.presign_part(upload, number, seconds)) for number in numbers]
        return PresignedUrls(upload, parts, expire_at)

    async def _join(self, upload: Upload, listed: Sequence[CompletedPart]) -> StoredObject:
        parts, joined = await self._objects.list_parts(upload), None
        if parts is not None:
            joined = await self._objects.join(upload, select_parts(upload, parts, listed))
        if joined is None:  # an earlier attempt joined the parts that it had checked, then failed
            joined = await self._objects.find(upload)
        if joined is None:
            raise UploadExpired("Object storage does not have the parts any more.")
        if joined.size_bytes != upload.file.size_bytes:
            raise SizeMismatch(announced_bytes=upload.file.size_bytes, arrived_bytes=joined.size_bytes)
        return joined

    def _event(self, upload: Upload, stored: StoredObject) -> Envelope[PhotoUploaded]:
        now = self._clock.now()
        event = PhotoUploaded(
            photo_id=upload.photo_id,
            upload_id=upload.upload_id,
            owner_id=upload.account_id,
            purpose=upload.purpose,
            region=self._policy.region,
            bucket=self._objects.bucket,
            key=upload.key,
            etag=stored.etag,
            size_bytes=stored.size_bytes,
            content_type=upload.file.content_type,
            filename=upload.file.filename,
            uploaded_at=now,
        )
        return Envelope.of(event, entityversion=version_at(now), id=f"{event.subject()}.{event.type_}.1", time=now)

    async def _abort_multipart(self, upload: Upload) -> None:
        try:
            await self._objects.abort_multipart(upload)
        except Unavailable as error:  # the bucket's lifecycle rule will
            log.warning("multipart upload not aborted", extra={"key": upload.key, "reason": str(error)})

    async def _delete_objects(self, upload: Upload) -> bool:
        """Returns whether it succeeded; if not, the sweeper will."""
        try:
            await self._objects.delete(upload)
        except Unavailable as error:
            log.warning("objects of an upload not deleted", extra={"key": upload.key, "reason": str(error)})
            return False
        return True


def _require_open(upload: Upload) -> None:
    if upload.status is Status.COMPLETED:
        raise UploadCompleted(photo_id=ids.encode("p", upload.photo_id))
    if upload.status is Status.ABORTED:
        raise UploadAborted
    if upload.status is Status.EXPIRED:
        raise UploadExpired
