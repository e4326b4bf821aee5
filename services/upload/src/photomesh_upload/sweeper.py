"""The sweeper: ends uploads whose time is over, and clears the object store of what nobody completed."""

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

__all__ = ["Sweeper", "SweptUploads"]

log = logging.getLogger(__name__)

_BATCH = 100


class SweptUploads(Protocol):
    """What the sweeper asks of where uploads are kept."""

    def sweeping(self) -> AbstractAsyncContextManager[bool]: ...
    async def count_open(self) -> int: ...
    async def expire(self, now: datetime, limit: int) -> int: ...
    async def to_clear(self, limit: int) -> list[Upload]: ...
    async def mark_cleared(self, upload_ids: Sequence[int]) -> None: ...
    async def forget(self, ended_before: datetime, limit: int) -> int: ...


class Sweeper:
    """Every replica runs one; a lock lets one at a time sweep."""

    def __init__(
        self, uploads: SweptUploads, objects: RawObjects, clock: Clock, *, every_seconds: float, keep: timedelta
    ) -> None:
        """`keep`: how long an upload that has ended can still be asked for."""
        self._uploads = uploads
        self._objects = objects
        self._clock = clock
        self._every_seconds = every_seconds
        self._keep = keep

    async def run(self) -> None:
        """Sweeps until cancelled. What fails because a server is away is taken up again the next time."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("the sweeper had to stop half-way", extra={"reason": f"{error.code}: {error}"})
            await self._clock.sleep(self._every_seconds)

    async def sweep(self) -> None:
        """Goes through everything once."""
        OPEN.set(await self._uploads.count_open())
        async with self._uploads.sweeping() as ours:
            if ours:
                await self._expire()
                await self._clear()
                await self._forget()

    async def _expire(self) -> None:
        now = self._clock.now()
        while count := await self._uploads.expire(now, _BATCH):
            EXPIRED.inc(count)
            log.info("uploads expired", extra={"count": count})

    async def _clear(self) -> None:
        while batch := await self._uploads.to_clear(_BATCH):
            for upload in batch:
                await self._objects.clear(upload)
            await self._uploads.mark_cleared([upload.upload_id for upload in batch])

    async def _forget(self) -> None:
        before = self._clock.now() - self._keep
        while await self._uploads.forget(before, _BATCH):
            pass
