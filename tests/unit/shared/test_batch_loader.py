"""Which calls share a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.errors import Unavailable
from tests.support.clock import settle


class Shelf:
    """A slow store: maps even numbers to their squares, and odd ones to nothing."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.open = asyncio.Event()
        self.fails = False
        self.factor = 1

    async def fetch(self, keys: Sequence[int]) -> dict[int, int]:
        self.calls.append(list(keys))
        factor, fails = self.factor, self.fails
        await self.open.wait()
        if fails:
            raise Unavailable
        return {key: factor * key * key for key in keys if key % 2 == 0}


async def test_concurrent_loads_share_a_call() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=20, concurrency=1)
    shelf.open.set()
    assert await asyncio.gather(*(loader.load(key) for key in (2, 3, 4, 2))) == [4, None, 16, 4]
    assert shelf.calls == [[2, 3, 4]]


async def test_many_are_loaded_by_one_caller() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=3, concurrency=1)
    shelf.open.set()
    first, second = await asyncio.gather(loader.load_many([2, 3, 2]), loader.load_many(range(4, 8)))
    assert first == {2: 4, 3: None}
    assert second == {4: 16, 5: None, 6: 36, 7: None}
    assert shelf.calls == [[2, 3, 4], [5, 6, 7]]


async def test_many_fail_together() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=1)
    shelf.open.set()
    shelf.fails = True
    with pytest.raises(Unavailable):
        await loader.load_many([1, 2, 3])


async def test_loads_during_a_call_form_batches_of_bounded_size() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=20, concurrency=1)
    first = asyncio.create_task(loader.load(0))
    await settle()
    others = [asyncio.create_task(loader.load(key)) for key in range(50)]
    await settle()
    assert shelf.calls == [[0]]
    shelf.open.set()
    assert await first == 0
    assert await asyncio.gather(*others) == [key * key if key % 2 == 0 else None for key in range(50)]
    assert [len(call) for call in shelf.calls] == [1, 20, 20, 10]


async def test_a_load_at_the_moment_a_call_ends_starts_another() -> None:
    late: list[asyncio.Task[int | None]] = []

    async def fetch(keys: Sequence[int]) -> dict[int, int]:
        if not late:
            late.append(asyncio.create_task(loader.load(2)))  # runs right after the end of this call
        return {key: key for key in keys}

    loader = BatchLoader(fetch, max_batch=20, concurrency=1)
    assert await loader.load(1) == 1
    async with asyncio.timeout(5):
        assert await late[0] == 2


async def test_no_result_is_older_than_its_request() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=20, concurrency=1)
    early = asyncio.create_task(loader.load(4))
    await settle()
    shelf.factor = 2
    late = asyncio.create_task(loader.load(4))
    await settle()
    shelf.open.set()
    assert (await early, await late) == (16, 32)


async def test_a_slow_call_delays_only_its_own_batch() -> None:
    shelf, free = Shelf(), asyncio.Event()

    async def fetch(keys: Sequence[int]) -> dict[int, int]:
        if 1 in keys:
            await free.wait()
        return await shelf.fetch(keys)

    shelf.open.set()
    loader = BatchLoader(fetch, max_batch=20)
    slow = asyncio.create_task(loader.load(1))
    await settle()
    assert [await loader.load(key) for key in (2, 4, 6)] == [4, 16, 36]
    assert not slow.done()
    free.set()
    assert await slow is None


async def test_an_error_is_shared_and_not_kept() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=20)
    shelf.fails = True
    shelf.open.set()
    answers = await asyncio.gather(loader.load(2), loader.load(4), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    shelf.fails = False
    assert await loader.load(2) == 4


async def test_a_cancelled_caller_leaves_the_call_to_the_others() -> None:
    shelf = Shelf()
    loader = BatchLoader(shelf.fetch, max_batch=20)
    leaving, staying = (asyncio.create_task(loader.load(2)) for _ in range(2))
    await settle()
    leaving.cancel()
    shelf.open.set()
    assert await staying == 4
    with pytest.raises(asyncio.CancelledError):
        await leaving
