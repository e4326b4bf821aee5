"""Erases what sessions leave behind."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable

__all__ = ["SessionSweeper", "SweptStore"]

log = logging.getLogger(__name__)

_NETWORK_KEPT = timedelta(days=30)  # after the last use
_EXPIRED_KEPT = timedelta(days=30)  # so that a refresh is answered `session-ended`, and reuse of a token is noticed
_SWEEP_SECONDS = 3600.0


class SweptStore(Protocol):
    async def sweep(self, *, used_before: datetime, expired_before: datetime) -> int:
        """Erases networks and deletes expired sessions, a bounded number; returns how many. Raises Unavailable when the
        database does not answer."""
        ...


class SessionSweeper:
    def __init__(self, store: SweptStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def keep_swept(self) -> None:
        """Erases old networks and deletes old sessions periodically, until cancelled."""
        while True:
            try:
                await self.sweep()
            except Unavailable as error:
                log.warning("sessions not swept", extra={"error": str(error)})
            await self._clock.sleep(_SWEEP_SECONDS)

    async def sweep(self) -> None:
        now = self._clock.now()
        while await self._store.sweep(used_before=now - _NETWORK_KEPT, expired_before=now - _EXPIRED_KEPT):
            pass
