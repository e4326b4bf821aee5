"""Pending erasures are done in the background; what fails stays, and keeps nothing else waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from photomesh_post.erasures.domain import SHARDS, Kind, Pending, shard_of
from photomesh_post.erasures.worker import ErasureWorker
from photomesh_post.metrics import OLDEST_ERASURE
from photomesh_shared.errors import Unavailable
from tests.support.clock import FakeClock
from tests.support.post.memory_erasures import MemoryErasures
from tests.support.waiting import eventually


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def pending(clock: FakeClock, number: int, kind: Kind = Kind.OBJECTS) -> Pending:
    return Pending(kind, number << 22, clock.now() - timedelta(seconds=number))


async def until(condition: Callable[[], bool]) -> None:
    async def holds() -> bool:
        return condition()

    await eventually(holds, every=0.001)


class Done:
    def __init__(self, fails: Callable[[Pending], bool] = lambda pending: False) -> None:
        self.ids: list[int] = []
        self.tried = 0
        self._fails = fails

    async def __call__(self, one: Pending) -> None:
        self.tried += 1
        await asyncio.sleep(0)
        if self._fails(one):
            raise Unavailable
        self.ids.append(one.id >> 22)


async def test_each_is_done_once_and_removed(clock: FakeClock) -> None:
    store, done = MemoryErasures(), Done()
    worker = ErasureWorker(store, clock)
    async with worker.running({Kind.OBJECTS: done}):
        for number in range(1, 80):
            await worker.add(pending(clock, number))
        await until(lambda: len(store.pending) == 0)
    assert sorted(done.ids) == list(range(1, 80))


async def test_one_that_fails_keeps_none_behind_it_waiting(clock: FakeClock) -> None:
    """All are in one shard, and the oldest always fails."""
    store, done = MemoryErasures(), Done(lambda one: one.id >> 22 == 160)
    for number in range(16, 176, 16):
        await store.add(pending(clock, number))
    worker = ErasureWorker(store, clock)
    async with worker.running({Kind.OBJECTS: done}):
        await until(lambda: len(store.pending) == 1)
        assert OLDEST_ERASURE.labels("objects")._value.get() == 160
        await clock.advance(60)
        assert done.tried > 10
    assert len(done.ids) == 9


async def test_a_cdn_that_is_down_keeps_no_object(clock: FakeClock) -> None:
    store, objects, caches = MemoryErasures(), Done(), Done(lambda one: True)
    for number in range(1, 200):
        await store.add(pending(clock, number, Kind.CACHES))
        await store.add(pending(clock, number, Kind.OBJECTS))
    async with ErasureWorker(store, clock).running({Kind.OBJECTS: objects, Kind.CACHES: caches}):
        await until(lambda: len(objects.ids) == 199)
        await until(lambda: bool(caches.tried))
    assert not caches.ids
    assert len(store.pending) == 199


async def test_two_processes_do_not_do_the_same(clock: FakeClock) -> None:
    store, done = MemoryErasures(), Done()
    for number in range(1, 100):
        await store.add(pending(clock, number))
    async with (
        ErasureWorker(store, clock).running({Kind.OBJECTS: done}),
        ErasureWorker(store, clock).running({Kind.OBJECTS: done}),
    ):
        await until(lambda: len(store.pending) == 0)
    assert sorted(done.ids) == list(range(1, 100))


async def test_the_database_may_be_away_for_a_while(clock: FakeClock) -> None:
    store, done = MemoryErasures(), Done()
    await store.add(pending(clock, 1))
    store.unavailable = True
    async with ErasureWorker(store, clock).running({Kind.OBJECTS: done}):
        await clock.advance(30)
        store.unavailable = False
        await clock.advance(30)
        await until(lambda: len(store.pending) == 0)


def test_shards_are_spread_although_the_low_bits_of_ids_are_zero() -> None:
    assert {shard_of(number << 22) for number in range(100)} == set(range(SHARDS))
