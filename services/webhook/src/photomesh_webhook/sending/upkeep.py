"""What nobody needs any more is deleted, some at a time; and how many circuits are open is counted."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_webhook.sending.metrics import CIRCUITS_OPEN

__all__ = ["LOG_KEPT", "Store", "Upkeep"]

log = logging.getLogger(__name__)

LOG_KEPT = timedelta(days=30)
_PAUSE_SECONDS = 30.0
_CHUNK = 5_000


class Store(Protocol):
    """See `store.PostgresUpkeep`. Every method raises DatabaseUnavailable."""

    async def open_circuits(self) -> int: ...
    async def delete_expired_secrets(self, now: datetime) -> None: ...
    async def sweep_log(self, before: datetime, limit: int) -> int:
        """Delete the oldest rows from before. An endpoint that had not got one of them has a gap. Returns how many."""
        ...


class Upkeep:
    """Any number of processes may do it beside each other."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self) -> None:
        while True:
            try:
                while await self.run_once():
                    pass
            except Unavailable as error:
                log.warning("upkeep waits", extra={"reason": str(error)})
            await self._clock.sleep(_PAUSE_SECONDS)

    async def run_once(self) -> bool:
        """Returns whether more is to do at once. Raises DatabaseUnavailable."""
        now = self._clock.now()
        CIRCUITS_OPEN.set(await self._store.open_circuits())
        await self._store.delete_expired_secrets(now)
        return await self._store.sweep_log(now - LOG_KEPT, _CHUNK) == _CHUNK
