"""Deletes exports that are over, and measures those that run."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_export.domain import Export
from photomesh_export.metrics import OLDEST, RUNNING
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable

__all__ = ["ExportObjects", "Figures", "Sweeper", "UpkeepStore"]

log = logging.getLogger(__name__)

_BATCH = 100


class Figures(Protocol):
    """See `store.upkeep.Figures`."""

    @property
    def running(self) -> int: ...
    @property
    def oldest(self) -> datetime | None: ...


class UpkeepStore(Protocol):
    """See `store.upkeep.ExportUpkeep`."""

    async def expire(self, now: datetime) -> None: ...
    async def to_clear(self, now: datetime, limit: int) -> list[Export]: ...
    async def mark_cleared(self, export_id: int) -> None: ...
    async def delete_old(self, before: datetime) -> None: ...
    async def figures(self) -> Figures: ...


class ExportObjects(Protocol):
    """See `objects.ExportsBucket`."""

    async def delete_all(self, prefix: str) -> int: ...


class Sweeper:
    def __init__(
        self, store: UpkeepStore, objects: ExportObjects, clock: Clock, *, interval_seconds: float, history: timedelta
    ) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._history = history

    async def run(self) -> None:
        """Sweep for ever. All workers do: everything is idempotent."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("sweep of exports failed", extra={"reason": repr(error)})
            await self._clock.sleep(self._interval_seconds)

    async def sweep(self) -> None:
        """Raises Unavailable."""
        now = self._clock.now()
        figures = await self._store.figures()
        RUNNING.set(figures.running)
        OLDEST.set((now - figures.oldest).total_seconds() if figures.oldest else 0)
        await self._store.expire(now)
        while batch := await self._store.to_clear(now, _BATCH):
            for export in batch:
                await self._objects.delete_all(export.prefix)
                await self._store.mark_cleared(export.id)
        await self._store.delete_old(now - self._history)
