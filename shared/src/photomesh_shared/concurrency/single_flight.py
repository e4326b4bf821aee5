"""Many who ask for the same thing at the same time share a few reads.

    reads = SingleFlight[Row]()
    row = await reads.run(("post", post_id), lambda: fetch(post_id))

The key must say everything that the answer depends on; where that is the viewer as well, the viewer is part of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["SingleFlight"]

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """For each key one read runs, and at most one waits for its end.

    Who comes while a read runs shares the next one: that read began after they asked, so nobody gets an answer that is
    older than their question, and whoever has just written something sees it. Five thousand who come at once cost two
    reads. An error is shared like an answer, and nothing is kept.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[T]] = {}
        self._waiting: dict[Hashable, asyncio.Task[T]] = {}

    async def run(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` gives, by this call or by somebody else's. Who is cancelled while waiting leaves the read to the
        others."""
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
