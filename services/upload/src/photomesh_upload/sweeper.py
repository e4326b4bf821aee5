"""The sweeper: expires open uploads, counts their stored bytes, and deletes the objects and rows of ended ones.

Completed uploads have become photos, of which only post, or story, knows whether anything uses them. So the sweeper
announces that their time is over, and the two erase those that nothing uses: after a week if they were rejected or
failed, by which time a reprocessing would have been asked for, after a month in any case.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, PhotoRetentionElapsed
from photomesh_upload.domain import Upload
from photomesh_upload.metrics import EXPIRED, OPEN, OVERSIZED, RETENTION_ELAPSED
from photomesh_upload.protocols import RawObjects

__all__ = ["SweepStore", "Sweeper"]

log = logging.getLogger(__name__)

_BATCH = 100
_AUDIT_INTERVAL = timedelta(minutes=1)  # between counts of an upload; most are completed before their first
_CONCURRENCY = 8


class SweepStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    def sweep_lease(self) -> AbstractAsyncContextManager[bool]: ...
    async def count_open(self) -> int: ...
    async def expire(self, now: datetime, limit: int) -> int: ...

    async def to_audit(self, audited_before: datetime, limit: int) -> list[Upload]:
        """Open uploads whose last audit, or creation, is that long ago."""
        ...

    async def record_audit(self, upload: Upload, stored_bytes: int, now: datetime) -> None:
        """Counts stored bytes above those counted before against the account's quota of the day."""
        ...

    async def expire_upload(self, upload_id: int, now: datetime) -> bool:
        """Expires an upload that is open and not claimed; returns whether it did."""
        ...

    async def to_delete(self, limit: int) -> list[Upload]: ...
    async def mark_deleted(self, upload_ids: Sequence[int]) -> None: ...
    async def announce(
        self, announced: int, completed_before: datetime, event_of: Callable[[Upload], Envelope[Event]], limit: int
    ) -> int:
        """Adds the event of completed uploads that were announced so often, and counts it; returns their number."""
        ...

    async def delete_ended(self, ended_before: datetime, announced: int, limit: int) -> int: ...


class Sweeper:
    """Runs in every replica; a lease admits one at a time."""

    def __init__(
        self,
        store: SweepStore,
        objects: RawObjects,
        clock: Clock,
        *,
        interval_seconds: float,
        retention: timedelta,
        keep_unusable: timedelta,
        keep_unused: timedelta,
    ) -> None:
        """`retention`: how long an ended upload can be read. `keep_unusable`, `keep_unused`: how long a photo is kept
        that was rejected or failed, or that no post uses."""
        self._store = store
        self._objects = objects
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._retention = retention
        self._stages = (("unusable", keep_unusable), ("unused", keep_unused))

    async def run(self) -> None:
        """Sweeps periodically, until cancelled. A sweep that a server interrupts is continued by the next one."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("sweep interrupted", extra={"reason": f"{error.code}: {error}"})
            await self._clock.sleep(self._interval_seconds)

    async def sweep(self) -> None:
        """Sweeps once."""
        OPEN.set(await self._store.count_open())
        async with self._store.sweep_lease() as acquired:
            if acquired:
                await self._expire()
                await self._audit()
                await self._delete_objects()
                await self._announce()
                await self._delete_rows()

    async def _expire(self) -> None:
        now = self._clock.now()
        while count := await self._store.expire(now, _BATCH):
            EXPIRED.inc(count)
            log.info("uploads expired", extra={"count": count})

    async def _audit(self) -> None:
        """Object storage may keep each copy of a part that is sent again, so one URL could fill it."""
        now = self._clock.now()
        places = asyncio.Semaphore(_CONCURRENCY)
        while batch := await self._store.to_audit(now - _AUDIT_INTERVAL, _BATCH):
            audits = (self._audit_upload(upload, now, places) for upload in batch)
            for outcome in await asyncio.gather(*audits, return_exceptions=True):
                if isinstance(outcome, BaseException):
                    raise outcome

    async def _audit_upload(self, upload: Upload, now: datetime, places: asyncio.Semaphore) -> None:
        async with places:
            parts = await self._objects.list_parts(upload) or ()
            stored_bytes = sum(part.size_bytes for part in parts)
            await self._store.record_audit(upload, stored_bytes, now)
            if stored_bytes > upload.max_stored_bytes and await self._store.expire_upload(upload.upload_id, now):
                OVERSIZED.inc()
                log.warning("upload ended: its parts were sent too often", extra={"key": upload.key})

    async def _delete_objects(self) -> None:
        while batch := await self._store.to_delete(_BATCH):
            for upload in batch:
                await self._objects.delete(upload)
            await self._store.mark_deleted([upload.upload_id for upload in batch])

    async def _delete_rows(self) -> None:
        before = self._clock.now() - self._retention
        while await self._store.delete_ended(before, len(self._stages), _BATCH):
            pass

    async def _announce(self) -> None:
        now = self._clock.now()
        for announced, (stage, kept) in enumerate(self._stages):

            def event_of(upload: Upload, stage: str = stage) -> Envelope[Event]:
                event = PhotoRetentionElapsed(
                    photo_id=upload.photo_id,
                    upload_id=upload.upload_id,
                    owner_id=upload.account_id,
                    purpose=upload.purpose,
                    stage=stage,
                    uploaded_at=upload.created_at,
                )
                return Envelope.of(event, entityversion=1, id=f"{event.subject()}.{event.type_}.1", time=now)

            while count := await self._store.announce(announced, now - kept, event_of, _BATCH):
                RETENTION_ELAPSED.labels(stage).inc(count)
