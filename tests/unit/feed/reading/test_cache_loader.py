"""CacheLoader: batches, joining, shedding."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_feed.errors import FeedsBusy, SourceUnavailable
from photomesh_feed.reading.cache_loader import CacheLoader


class Fetch:
    """Records batches. Waits for the gate, and raises `error` if it is set."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def __call__(self, batch: list[int]) -> None:
        self.batches.append(batch)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
        finally:
            self.running -= 1
        if self.error:
            raise self.error


@pytest.fixture
def fetch() -> Fetch:
    return Fetch()


async def start(loader: CacheLoader, *ids: int) -> asyncio.Task[None]:
    task = asyncio.create_task(loader.load(ids))
    await asyncio.sleep(0)
    return task


async def test_ids_are_distinct_and_batched(fetch: Fetch) -> None:
    await CacheLoader("x", fetch, max_batch=2).load([1, 2, 1, 3, 4, 5])
    assert fetch.batches == [[1, 2], [3, 4], [5]]


async def test_nothing_to_load(fetch: Fetch) -> None:
    await CacheLoader("x", fetch, max_batch=2).load([])
    assert fetch.batches == []


async def test_load_in_progress_is_joined(fetch: Fetch) -> None:
    loader = CacheLoader("x", fetch, max_batch=10)
    fetch.gate.clear()
    first, second = await start(loader, 1, 2), await start(loader, 2, 3)
    fetch.gate.set()
    await asyncio.gather(first, second)
    assert fetch.batches == [[1, 2], [3]]
    await loader.load([2])
    assert fetch.batches[2:] == [[2]]


async def test_concurrency_is_bounded(fetch: Fetch) -> None:
    loader = CacheLoader("x", fetch, max_batch=1, concurrency=3)
    fetch.gate.clear()
    task = await start(loader, *range(10))
    await asyncio.sleep(0)
    fetch.gate.set()
    await task
    assert fetch.most_running == 3
    assert len(fetch.batches) == 10


async def test_readers_beyond_the_queue_are_shed(fetch: Fetch) -> None:
    loader = CacheLoader("x", fetch, max_batch=1, concurrency=1, max_pending=2)
    fetch.gate.clear()
    waiting = await start(loader, 1, 2)
    with pytest.raises(FeedsBusy):
        await loader.load([3])
    joining = await start(loader, 1, 2)  # costs nothing
    fetch.gate.set()
    await asyncio.gather(waiting, joining)
    await loader.load([3])


async def test_error_reaches_every_reader_and_is_not_kept(fetch: Fetch) -> None:
    loader = CacheLoader("x", fetch, max_batch=10)
    fetch.gate.clear()
    fetch.error = SourceUnavailable()
    readers = [await start(loader, 1), await start(loader, 1)]
    fetch.gate.set()
    for reader in readers:
        with pytest.raises(SourceUnavailable):
            await reader
    fetch.error = None
    await loader.load([1])


async def test_cancelled_reader_leaves_the_load_to_others(fetch: Fetch) -> None:
    loader = CacheLoader("x", fetch, max_batch=10)
    fetch.gate.clear()
    cancelled, staying = await start(loader, 1), await start(loader, 1)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    fetch.gate.set()
    await staying
    assert fetch.batches == [[1]]
