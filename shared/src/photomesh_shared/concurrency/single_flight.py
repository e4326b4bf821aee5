"""Coalesces concurrent reads of the same key.

    reads = SingleFlight[Row]()
    row = await reads.run(("post", post_id), lambda: fetch(post_id))

The key must cover everything that the result depends on, including the viewer if it differs by viewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """For each key, one read runs and at most one waits.

    A caller that arrives while a read runs shares the next read, which starts after the call; so no result is older
    than its request, and callers see their own writes. Five thousand concurrent calls cost two reads. Errors are shared
    like results; nothing is cached.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._waiting: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `read`, run by this or another caller. Cancelling one caller leaves the read running for
        the others."""
        task = self._waiting.get(key)
        if task is None and key in self._running:
            task = self._waiting[key] = asyncio.create_task(self._next(key, self._running[key], read))
        elif task is None:
            task = self._running[key] = asyncio.create_task(self._only(key, read))
        return await asyncio.shield(task)

    async def _next(self, key: Hashable, running: asyncio.Task[T], read: Callable[[], Awaitable[T]]) -> T:
        await asyncio.wait([running])
        self._running[key] = self._waiting.pop(key)
        return await self._only(key, read)

    async def _only(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        try:
            return await read()
        finally:
            del self._running[key]
