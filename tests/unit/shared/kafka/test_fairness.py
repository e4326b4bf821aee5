"""One key with very many records in front does not hold up those behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime

import pytest

from photomesh_shared.events import Envelope
from photomesh_shared.kafka.partition import PartitionWork
from photomesh_shared.kafka.source import Partition, Received
from tests.support.clock import run_virtually
from tests.support.memory_broker import MemoryBroker
from tests.support.memory_runner import lag_gone, runner_on
from tests.support.sample_events import SAMPLE, SampleEvent, sample_record

PARTITION = Partition(SAMPLE.topic, 0)
WRITTEN = datetime(2026, 11, 21, tzinfo=UTC)


async def _finished_after(in_front: int, others: int) -> dict[str, float]:
    """Seconds until each of `others` keys is done, with one record each behind those of one key; a record takes 1 s."""
    loop = asyncio.get_running_loop()
    broker, finished = MemoryBroker(partitions=1), dict[str, float]()

    async def handler(envelope: Envelope[SampleEvent]) -> None:
        await asyncio.sleep(1)
        finished[envelope.data.who] = loop.time() - started

    await broker.append([sample_record(SAMPLE, "hog", number) for number in range(in_front)])
    await broker.append([sample_record(SAMPLE, f"person{number}", 0) for number in range(others)])
    runner = runner_on(broker, handler)
    stop = asyncio.Event()
    started = loop.time()
    task = asyncio.create_task(runner.run(stop))
    async with asyncio.timeout(in_front + 60):
        await lag_gone(broker)
    stop.set()
    await task
    return finished


@pytest.mark.parametrize("in_front", [200, 1000])
def test_others_do_not_wait_for_one_who_has_many(in_front: int) -> None:
    finished = run_virtually(_finished_after(in_front, 20))
    assert len(finished) == 21
    assert max(seconds for who, seconds in finished.items() if who != "hog") < 10
    assert finished["hog"] >= in_front


def _hogs(first: int, count: int) -> list[Received]:
    return [Received(PARTITION, first + n, sample_record(SAMPLE, "hog", n), WRITTEN) for n in range(count)]


def _keys(first: int, count: int) -> list[Received]:
    return [Received(PARTITION, first + n, sample_record(SAMPLE, f"key{n}", 0), WRITTEN) for n in range(count)]


def test_memory_is_bounded_however_many_there_are() -> None:
    async def scene() -> None:
        gate = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        async def handle(queued: Sequence[Received], giving_up: asyncio.Event) -> int:
            await gate.wait()
            return len(queued)

        def spawn(work: Coroutine[object, object, None]) -> asyncio.Task[None]:
            task = asyncio.create_task(work)
            tasks.add(task)
            return task

        work = PartitionWork(
            PARTITION, handle=handle, spawn=spawn, progressed=lambda: None, concurrency=8, buffer=64, batch=1
        )
        taken = 0
        while work.wants_more:
            work.accept(_hogs(taken, 32))
            taken += 32
        assert 1000 <= taken <= 5000
        gate.set()
        await asyncio.gather(*tasks)
        assert work.tracker.low_water == taken
        # What was taken has been given back: the buffer fills with as many keys as at first, again and again.
        wanted = [work.wants_more]
        for _ in range(2):
            work.accept(_keys(taken, 33))
            taken += 33
            wanted.append(work.wants_more)
            await asyncio.gather(*tasks)
            wanted.append(work.wants_more)
        assert wanted == [True, False, True, False, True]

    run_virtually(scene())
