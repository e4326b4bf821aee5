"""Work that goes on beside the requests, for as long as a context lasts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.concurrency.cancellation import surface_stray_cancellation

__all__ = ["in_background"]

log = logging.getLogger(__name__)

_BACKOFF = Backoff(base=1.0, cap=30.0)


@asynccontextmanager
async def in_background(
    name: str, work: Callable[[], Awaitable[None]], clock: Clock | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    """Runs `work`, which is meant never to return, and cancels it at the end.

    When it fails all the same, that is logged and it is started again after a moment, so that one fault that nobody
    foresaw does not silently end it for good.
    """
    task = asyncio.create_task(_again_and_again(name, work, clock or SystemClock()), name=name)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _again_and_again(name: str, work: Callable[[], Awaitable[None]], clock: Clock) -> None:
    failures = 0
    while True:
        started = clock.monotonic()
        try:
            with surface_stray_cancellation():
                await work()
        except Exception:
            log.exception("background work failed", extra={"work": name})
        else:
            log.warning("background work ended", extra={"work": name})
        failures = failures + 1 if clock.monotonic() - started < _BACKOFF.cap else 1
        await clock.sleep(_BACKOFF.delay(failures))
