"""Reactions to events that endpoints can ask for: they become rows, or the endpoint's cursor says where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.failpoints import declare, failpoint
from photomesh_webhook.matching.domain import Heard, heard

__all__ = ["MatchingEventHandlers", "Store"]

AFTER_MATCH = declare(
    "webhook.after_match", "a batch of events is stored for its endpoints, its offsets are not committed"
)


class Store(Protocol):
    """See `store.PostgresMatching`."""

    async def distribute(self, events: Sequence[Heard], now: datetime) -> int:
        """Store events of one partition, in order, for the endpoints that want them, and the position after them, in
        one transaction. Returns how many rows that made. Raises DatabaseUnavailable."""
        ...


class MatchingEventHandlers:
    def __init__(self, store: Store, clock: Clock, wake: Callable[[], None]) -> None:
        """`wake` is called when there is something to send."""
        self._store = store
        self._clock = clock
        self._wake = wake

    async def happened(self, envelopes: Sequence[Envelope[Event]]) -> None:
        """Idempotent. Raises DatabaseUnavailable."""
        rows = await self._store.distribute([heard(envelope) for envelope in envelopes], self._clock.now())
        await failpoint(AFTER_MATCH)
        if rows:
            self._wake()
