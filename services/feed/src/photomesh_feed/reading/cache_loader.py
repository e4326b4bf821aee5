"""Loading things by key from a durable store, for many readers at once.

What one reader is loading, another waits for instead of loading it too: after all caches were lost, every post and
timeline is asked for once, however many feeds it is in. A few batches run at a time, and beyond a queue of them readers
are turned away, so that a store which has just come back is not thrown down again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from photomesh_feed.errors import FeedsBusy
from photomesh_feed.reading.metrics import LOADED, SHED

__all__ = ["Loader"]


class Loader:
    def __init__(
        self,
        what: str,
        load: Callable[[list[int]], Awaitable[None]],
        *,
        batch: int,
        at_once: int = 4,
        queue: int = 256,
    ) -> None:
        """`load` takes at most `batch` keys, and puts what they stand for where readers look."""
        self._what = what
        self._load = load
        self._batch = batch
        self._places = asyncio.Semaphore(at_once)
        self._queue = queue
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, keys: Iterable[int]) -> None:
        """Returns when all are loaded. Raises what `load` raises, or FeedsBusy."""
        wanted = list(dict.fromkeys(keys))
        new = [key for key in wanted if key not in self._under_way]
        if new and len(self._tasks) >= self._queue:
            SHED.inc()
            raise FeedsBusy
        for start in range(0, len(new), self._batch):
            self._begin(new[start : start + self._batch])
        tasks = {self._under_way[key] for key in wanted if key in self._under_way}
        if tasks:
            await asyncio.gather(*(asyncio.shield(task) for task in tasks))

    def _begin(self, batch: list[int]) -> None:
        task = asyncio.create_task(self._run(batch), name=f"load-{self._what}")
        self._tasks.add(task)
        for key in batch:
            self._under_way[key] = task
        task.add_done_callback(lambda done: self._ended(done, batch))

    async def _run(self, batch: list[int]) -> None:
        async with self._places:
            LOADED.labels(self._what).inc(len(batch))
            await self._load(batch)

    def _ended(self, task: asyncio.Task[None], batch: list[int]) -> None:
        self._tasks.discard(task)
        for key in batch:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever waits has it; nobody may wait any more
