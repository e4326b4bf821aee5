"""Calls that failed, repeated in the background until they succeed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from prometheus_client import Gauge

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable

__all__ = ["Repeats"]

log = logging.getLogger(__name__)

PENDING = Gauge("photomesh_repeats_pending", "Calls to other services that failed and are repeated.")
OLDEST = Gauge("photomesh_repeats_oldest_seconds", "How long the oldest of them has been failing.")

_AT_A_TIME = 16
_BACKOFF = Backoff(base=1.0, cap=15.0)

Call = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class _Pending:
    call: Call
    since: float


class Repeats:
    """What was stored and could not be written through to another service: its caller was told so, and may be gone.

    Calls must be idempotent, and change nothing where a newer one has been. They are kept in memory: after a restart of
    the process, the events of the same changes do what is left.
    """

    def __init__(self, clock: Clock, *, limit: int = 10_000) -> None:
        """`limit`: how many are kept; beyond it, new ones are left to their events."""
        self._clock = clock
        self._limit = limit
        self._pending: dict[Hashable, _Pending] = {}

    def add(self, key: Hashable, call: Call) -> None:
        """Repeats the call; it replaces an earlier one with the same key, which it makes unnecessary."""
        earlier = self._pending.get(key)
        if earlier is None and len(self._pending) >= self._limit:
            log.warning("too many calls to repeat; this one is left to its event")
            return
        self._pending[key] = _Pending(call, earlier.since if earlier else self._clock.monotonic())
        self._measure()

    async def run(self) -> None:
        """Never returns."""
        failures = 0
        while True:
            await self._clock.sleep(_BACKOFF.delay(failures + 1))
            failures = 0 if await self._round() else failures + 1

    async def _round(self) -> bool:
        """Tries all once, until one fails; returns whether none did."""
        keys = list(self._pending)
        for start in range(0, len(keys), _AT_A_TIME):
            done = await asyncio.gather(*(self._try(key) for key in keys[start : start + _AT_A_TIME]))
            self._measure()
            if not all(done):
                return False
        self._measure()
        return True

    async def _try(self, key: Hashable) -> bool:
        pending = self._pending[key]
        try:
            await pending.call()
        except Unavailable:
            return False
        if self._pending.get(key) is pending:
            del self._pending[key]
        return True

    def _measure(self) -> None:
        PENDING.set(len(self._pending))
        oldest = min((pending.since for pending in self._pending.values()), default=self._clock.monotonic())
        OLDEST.set(self._clock.monotonic() - oldest)
