"""Use case of the consumer: erasure of an account."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import AccountErasureRequested, Envelope

__all__ = ["ErasureObjects", "ErasureStore", "ExportEraser"]

_WAIT_SECONDS = 1.0


class ErasureStore(Protocol):
    """See `store.upkeep.ExportUpkeep`."""

    async def end_all(self, account_id: int, now: datetime) -> bool: ...
    async def delete_all(self, account_id: int) -> int: ...


class ErasureObjects(Protocol):
    """See `objects.ExportsBucket`."""

    async def delete_all(self, prefix: str) -> int: ...


class ExportEraser:
    def __init__(self, store: ErasureStore, objects: ErasureObjects, clock: Clock, *, lease_seconds: float) -> None:
        self._store = store
        self._objects = objects
        self._clock = clock
        self._lease_seconds = lease_seconds

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Delete the account's exports and their objects. Idempotent. Raises Unavailable if a server does not answer,
        or if a worker does not let go of an export."""
        account_id = envelope.data.user_id
        # A worker notices at its next step, and has lost its lease soon in any case; until then it may write objects.
        deadline = self._clock.monotonic() + 2 * self._lease_seconds
        while await self._store.end_all(account_id, self._clock.now()):
            if self._clock.monotonic() >= deadline:
                raise Unavailable("A worker does not let go of an export.")
            await self._clock.sleep(_WAIT_SECONDS)
        objects = await self._objects.delete_all(ids.encode("u", account_id))
        exports = await self._store.delete_all(account_id)
        return Erased({"exports": exports, "objects": objects})
