"""Compare-and-set: no concurrent write is lost, and retries are bounded."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_post.counts.compare_and_set import compare_and_set
from photomesh_shared.errors import Unavailable
from tests.support.clock import FakeClock


class Cell:
    """A number that is only written over the one that was read."""

    def __init__(self) -> None:
        self.value = 0
        self.writes = 0

    async def read(self) -> int:
        await asyncio.sleep(0)
        return self.value

    async def replace(self, read: int, written: int) -> bool:
        await asyncio.sleep(0)
        if self.value != read:
            return False
        self.value, self.writes = written, self.writes + 1
        return True


async def increment(cell: Cell, clock: FakeClock) -> int:
    return await compare_and_set(cell.read, lambda value: value + 1, cell.replace, clock)


async def test_concurrent_writers_all_count() -> None:
    cell, clock = Cell(), FakeClock()
    writers = [asyncio.create_task(increment(cell, clock)) for _ in range(5)]
    while not all(writer.done() for writer in writers):
        await clock.advance(0.05)
    assert sorted(writer.result() for writer in writers) == [1, 2, 3, 4, 5]
    assert (cell.value, cell.writes) == (5, 5)


async def test_nothing_is_written_if_all_is_counted() -> None:
    cell = Cell()
    assert await compare_and_set(cell.read, lambda value: value, cell.replace, FakeClock()) == 0
    assert cell.writes == 0


async def test_it_gives_up_after_too_many_conflicts() -> None:
    async def refuse(read: int, written: int) -> bool:
        return False

    clock = FakeClock()
    task = asyncio.create_task(compare_and_set(Cell().read, lambda value: value + 1, refuse, clock))
    while not task.done():
        await clock.advance(0.05)
    with pytest.raises(Unavailable):
        await task
