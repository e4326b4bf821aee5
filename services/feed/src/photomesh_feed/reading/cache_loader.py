"""Loads entities from a durable store into Redis, for many readers at once.

A load in progress is joined rather than repeated: after the loss of all caches every post and timeline is loaded once,
however many feeds it is in. (Unlike `BatchLoader`, whose results must not be older than the request:
what is loaded here is merged with newer events.) Few batches run at a time, and beyond a queue of them readers are
shed, so that a store that has just come back is not overloaded again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from photomesh_feed.errors import FeedsBusy
from photomesh_feed.reading.metrics import LOADED, SHED

__all__ = ["CacheLoader"]


class CacheLoader:
    def __init__(
        self,
        what: str,
        fetch: Callable[[list[int]], Awaitable[None]],
        *,
        max_batch: int,
        concurrency: int = 4,
        max_pending: int = 256,
    ) -> None:
        """`fetch` takes at most `max_batch` ids, and writes their entities to Redis. At most `concurrency` batches run
        at a time, and `max_pending` run or wait. `what` names the entities in metrics."""
        self._what = what
        self._fetch = fetch
        self._max_batch = max_batch
        self._slots = asyncio.Semaphore(concurrency)
        self._max_pending = max_pending
        self._loading: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, ids: Iterable[int]) -> None:
        """Returns when all are loaded. Raises what `fetch` raises, or FeedsBusy."""
        wanted = list(dict.fromkeys(ids))
        new = [one for one in wanted if one not in self._loading]
        if new and len(self._tasks) >= self._max_pending:
            SHED.inc()
            raise FeedsBusy
        for start in range(0, len(new), self._max_batch):
            self._start(new[start : start + self._max_batch])
        tasks = {self._loading[one] for one in wanted if one in self._loading}
        if tasks:
            await asyncio.gather(*(asyncio.shield(task) for task in tasks))

    def _start(self, batch: list[int]) -> None:
        task = asyncio.create_task(self._run(batch), name=f"load-{self._what}")
        self._tasks.add(task)
        for one in batch:
            self._loading[one] = task
        task.add_done_callback(lambda done: self._finish(done, batch))

    async def _run(self, batch: list[int]) -> None:
        async with self._slots:
            LOADED.labels(self._what).inc(len(batch))
            await self._fetch(batch)

    def _finish(self, task: asyncio.Task[None], batch: list[int]) -> None:
        self._tasks.discard(task)
        for one in batch:
            del self._loading[one]
        if not task.cancelled():
            task.exception()  # retrieved, because all callers may have been cancelled
