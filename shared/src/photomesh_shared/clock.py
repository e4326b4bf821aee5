"""An injectable clock, so that tests control time."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "SystemClock", "happened_within"]


class Clock(Protocol):
    """The source of time."""

    def now(self) -> datetime:
        """Return the wall-clock time, timezone-aware in UTC."""
        ...

    def monotonic(self) -> float:
        """Return monotonic seconds; only differences are meaningful."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`."""
        ...


class SystemClock:
    """The system clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


async def happened_within(event: asyncio.Event, seconds: float, clock: Clock) -> bool:
    """Wait up to `seconds` for `event`. Returns whether it is set."""
    waiting = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()
    return event.is_set()
