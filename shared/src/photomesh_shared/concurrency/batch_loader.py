"""Coalesces concurrent calls for different keys into batches.

    async def fetch(ids: Sequence[int]) -> Mapping[int, Row]: ...

    rows = BatchLoader(fetch, max_batch=20)
    row = await rows.load(post_id)       # None if `fetch` returns no value for the key

`single_flight` coalesces calls for the same key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Generic, TypeVar

__all__ = ["BatchLoader"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class BatchLoader(Generic[K, V]):
    """Batches form while earlier calls run: a lone caller never waits for company, and the higher the load, the larger
    the batches.

    A batch starts after all of its keys were requested, so no result is older than its request. An error of `fetch` is
    raised to every caller of the batch. Nothing is cached.
    """

    def __init__(
        self, fetch: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, max_batch: int, concurrency: int = 2
    ) -> None:
        """`max_batch`: keys per call of `fetch`, which are distinct; `concurrency`: calls that run at a time. With more
        than one, a slow call delays only the callers of its own batch."""
        self._fetch = fetch
        self._max_batch = max_batch
        self._concurrency = concurrency
        self._pending: dict[K, asyncio.Future[V | None]] = {}
        self._running = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def load(self, key: K) -> V | None:
        """Return the value that `fetch` maps the key to, or None. Cancelling one caller leaves its batch running."""
        return await asyncio.shield(self._request(key))

    async def load_many(self, keys: Iterable[K]) -> dict[K, V | None]:
        """As `load`, for several keys, without a task for each."""
        requested = {key: self._request(key) for key in keys}
        return {key: await asyncio.shield(result) for key, result in requested.items()}

    def _request(self, key: K) -> asyncio.Future[V | None]:
        result = self._pending.get(key)
        if result is None:
            result = self._pending[key] = asyncio.get_running_loop().create_future()
            result.add_done_callback(_retrieve_exception)
            if self._running < self._concurrency:
                self._running += 1
                self._tasks.add(task := asyncio.create_task(self._run()))
                task.add_done_callback(self._tasks.discard)
        return result

    async def _run(self) -> None:
        try:
            while batch := dict(islice(self._pending.items(), self._max_batch)):
                for key in batch:
                    del self._pending[key]
                await self._settle(batch)
        finally:
            # In the same step in which nothing was pending: the next `load` must see that it has to start a task.
            self._running -= 1

    async def _settle(self, batch: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._fetch(list(batch))
        except Exception as error:  # noqa: BLE001 - raised to the callers
            for result in batch.values():
                result.set_exception(error)
        except BaseException:
            for result in batch.values():
                result.cancel()
            raise
        else:
            for key, result in batch.items():
                result.set_result(found.get(key))


def _retrieve_exception(result: asyncio.Future[V | None]) -> None:
    """Keep asyncio from logging an error that no caller awaits because all were cancelled."""
    if not result.cancelled():
        result.exception()
