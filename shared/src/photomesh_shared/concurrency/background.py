"""Background tasks bound to a context."""

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
    """Run `work`, which should never return, and cancel it on exit.

    If it fails or returns, log that and restart it after a moment, so that an unforeseen error does not end it for
    good.
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
