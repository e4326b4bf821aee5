"""Who shares a read with whom."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.errors import Unavailable
from tests.support.clock import settle


class Shelf:
    """A slow store with one value; a read gives what it holds when the read begins."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.open = asyncio.Event()
        self.fails = False

    async def read(self) -> int:
        self.reads += 1
        value = self.value
        await self.open.wait()
        if self.fails:
            raise Unavailable
        return value


async def test_thousands_at_once_cost_two_reads() -> None:
    flights, shelf = SingleFlight[int](), Shelf()
    asking = [asyncio.create_task(flights.run("key", shelf.read)) for _ in range(5_000)]
    await settle()
    assert shelf.reads == 1
    shelf.open.set()
    assert set(await asyncio.gather(*asking)) == {0}
    assert shelf.reads == 2


async def test_no_answer_is_older_than_its_question() -> None:
    flights, shelf = SingleFlight[int](), Shelf()
    early = asyncio.create_task(flights.run("key", shelf.read))
    await settle()
    shelf.value = 1
    late = asyncio.create_task(flights.run("key", shelf.read))
    await settle()
    shelf.open.set()
    assert (await early, await late) == (0, 1)


async def test_different_keys_share_nothing() -> None:
    flights, shelf = SingleFlight[int](), Shelf()
    shelf.open.set()
    await asyncio.gather(*(flights.run(("post", number), shelf.read) for number in range(10)))
    assert shelf.reads == 10


async def test_nothing_is_kept() -> None:
    flights, shelf = SingleFlight[int](), Shelf()
    shelf.open.set()
    assert await flights.run("key", shelf.read) == 0
    shelf.value = 1
    assert await flights.run("key", shelf.read) == 1


async def test_an_error_is_everybodys_and_the_next_one_reads_anew() -> None:
    flights, shelf = SingleFlight[int](), Shelf()
    shelf.fails = True
    asking = [asyncio.create_task(flights.run("key", shelf.read)) for _ in range(10)]
    await settle()
    shelf.open.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert {type(answer) for answer in answers} == {Unavailable}
    shelf.fails = False
    assert await flights.run("key", shelf.read) == 0


async def test_who_gives_up_leaves_the_read_to_the_others() -> None:
    flights, shelf = SingleFlight[int](), Shelf()
    asking = [asyncio.create_task(flights.run("key", shelf.read)) for _ in range(4)]
    await settle()
    for impatient in (asking[0], asking[1]):
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
    shelf.open.set()
    assert await asyncio.gather(*asking[2:]) == [0, 0]
