"""The sweeper: expires open uploads, deletes the objects of uploads that were not completed, and old rows."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_upload.domain import Upload
from photomesh_upload.metrics import EXPIRED, OPEN
from photomesh_upload.service import RawObjects

__all__ = ["SweepStore", "Sweeper"]

log = logging.getLogger(__name__)

_BATCH = 100


class SweepStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    def sweep_lock(self) -> AbstractAsyncContextManager[bool]: ...
    async def count_open(self) -> int: ...
    async def expire(self, now: datetime, limit: int) -> int: ...
    async def to_delete(self, limit: int) -> list[Upload]: ...
    async def mark_deleted(self, upload_ids: Sequence[int]) -> None: ...
    async def delete_ended(self, ended_before: datetime, limit: int) -> int: ...


class Sweeper:
    """Runs in every replica; a lock admits one at a time."""

    def __init__(
        self, store: SweepStore, objects: RawObjects, clock: Clock, *, interval_seconds: float, retention: timedelta
    ) -> None:
        """`retention`: how long an ended upload can be read."""
        self._store = store
        self._objects = objects
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._retention = retention

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
        async with self._store.sweep_lock() as acquired:
            if acquired:
                await self._expire()
                await self._delete_objects()
                await self._delete_rows()

    async def _expire(self) -> None:
        now = self._clock.now()
        while count := await self._store.expire(now, _BATCH):
            EXPIRED.inc(count)
            log.info("uploads expired", extra={"count": count})

    async def _delete_objects(self) -> None:
        while batch := await self._store.to_delete(_BATCH):
            for upload in batch:
                await self._objects.delete(upload)
            await self._store.mark_deleted([upload.upload_id for upload in batch])

    async def _delete_rows(self) -> None:
        before = self._clock.now() - self._retention
        while await self._store.delete_ended(before, _BATCH):
            pass
