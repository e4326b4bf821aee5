"""Programs that handle likes as well, and have machines of their own in production."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import photomesh_local as local
from benchmarks.notifications.stage import STACK, say
from benchmarks.upload.usage import processor_seconds, used_since

__all__ = ["OTHERS", "others_stopped", "settled"]

OTHERS = ("post-engagement", "feed-consumer", "webhook-sender")
_QUIET = 0.6  # of a core, which is little more than the stack uses at rest
_LOOK_SECONDS = 2.0
_PATIENCE_SECONDS = 120.0


@asynccontextmanager
async def others_stopped() -> AsyncIterator[None]:
    say(f"stopping {', '.join(OTHERS)}")
    for program in OTHERS:
        await asyncio.to_thread(local.stop, STACK, program)
    try:
        yield
    finally:
        for program in OTHERS:
            await asyncio.to_thread(local.start, STACK, program)


async def settled() -> None:
    """Until consumers have done what waits, or two minutes have passed."""
    say("what waits")
    for _ in range(int(_PATIENCE_SECONDS / _LOOK_SECONDS)):
        used = processor_seconds(STACK)
        await asyncio.sleep(_LOOK_SECONDS)
        if sum(used_since(used, processor_seconds(STACK)).values()) < _QUIET * _LOOK_SECONDS:
            return
