"""Use case of the API: the seen marker."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from photomesh_notification.positions import moment_of, ms_of
from photomesh_shared.clock import Clock

__all__ = ["SeenMarker", "Store"]


class Store(Protocol):
    """See `inbox.store.CassandraInbox`."""

    async def seen_ms(self, account_id: int) -> int: ...
    async def mark_seen(self, account_id: int, seen_at: datetime) -> None: ...


class SeenMarker:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def move(self, account_id: int, seen_at: datetime | None) -> datetime:
        """Moves the marker to a moment, by default to now, unless it is further already. Returns where it is. A
        moment to come counts as now: a marker there would hide what is yet to happen. Idempotent. Raises
        DatabaseUnavailable."""
        now = self._clock.now()
        await self._store.mark_seen(account_id, min(seen_at or now, now))
        return moment_of(max(await self._store.seen_ms(account_id), ms_of(min(seen_at or now, now))))
