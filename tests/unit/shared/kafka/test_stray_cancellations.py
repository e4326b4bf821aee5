"""A cancellation that nobody asked for stops no consumer and no publisher, whether it comes from the driver or from a
handler."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from photomesh_shared.concurrency.cancellation import StrayCancellation
from photomesh_shared.errors import EventLogUnavailable, Unavailable
from photomesh_shared.events import Envelope
from photomesh_shared.kafka.consumer import KafkaSource
from photomesh_shared.kafka.publisher import KafkaPublisher
from photomesh_shared.kafka.source import Ownership, Partition, Source, SourceLost
from tests.support.cancellation import await_a_task_that_was_cancelled
from tests.support.clock import run_virtually
from tests.support.kafka import NO_KAFKA
from tests.support.memory_broker import MemoryBroker, MemorySource
from tests.support.memory_runner import lag_gone, runner_on
from tests.support.runner_suite import Recorder
from tests.support.sample_events import SAMPLE, SampleEvent, sample_record


def test_a_consumer_whose_stop_is_cut_off_is_replaced_all_the_same() -> None:
    class CutOff(MemorySource):
        async def stop(self) -> None:
            await super().stop()
            await await_a_task_that_was_cancelled()

    async def scene() -> None:
        broker, handler, sources = MemoryBroker(), Recorder(), list[MemorySource]()

        def connect(group: str, topics: Sequence[str], ownership: Ownership) -> Source:
            kind = MemorySource if sources else CutOff
            sources.append(kind(broker, broker.group(group), topics, ownership))
            sources[0].deaf = True
            return sources[-1]

        runner = runner_on(broker, handler, connect=connect)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await broker.append([sample_record(SAMPLE, "ann", 0)])
        async with asyncio.timeout(120):
            await lag_gone(broker)
        assert len(sources) == 2
        stop.set()
        await task

    run_virtually(scene())


def test_a_runner_that_cannot_go_on_fails_and_is_not_cancelled() -> None:
    class CutOff(MemorySource):
        async def commit(self, offsets: Mapping[Partition, int]) -> None:
            await await_a_task_that_was_cancelled()

    async def scene() -> None:
        broker = MemoryBroker()

        def connect(group: str, topics: Sequence[str], ownership: Ownership) -> Source:
            return CutOff(broker, broker.group(group), topics, ownership)

        task = asyncio.create_task(runner_on(broker, Recorder(), connect=connect).run(asyncio.Event()))
        await broker.append([sample_record(SAMPLE, "ann", 0)])
        with pytest.raises(StrayCancellation):
            await task

    run_virtually(scene())


def test_a_handler_that_is_cut_off_is_tried_again_and_holds_up_nobody() -> None:
    async def scene() -> None:
        broker, seen = MemoryBroker(), list[int]()

        async def handler(envelope: Envelope[SampleEvent]) -> None:
            seen.append(envelope.data.number)
            if len(seen) == 1:
                await await_a_task_that_was_cancelled()

        runner = runner_on(broker, handler)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await broker.append([sample_record(SAMPLE, "ann", number) for number in range(3)])
        async with asyncio.timeout(60):
            await lag_gone(broker)
        assert seen == [0, 0, 1, 2]
        stop.set()
        await task

    run_virtually(scene())


class _CutOffDriver:
    """Whatever is asked of it ends in a cancellation."""

    def __init__(self) -> None:
        self.closed: list[str] = []
        self._client = self
        self._fetcher = self
        self._pending_tasks: set[asyncio.Task[Any]] = set()

    def subscribe(self, *_: object, **__: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        async def call(*_: object, **__: object) -> None:
            await await_a_task_that_was_cancelled()

        return call

    async def close(self) -> None:
        self.closed.append("client")


async def test_a_source_says_what_became_of_it() -> None:
    source, driver, partition = (
        KafkaSource(NO_KAFKA, "tests", ["samples"], _NoOwner()),
        _CutOffDriver(),
        Partition("samples", 0),
    )
    await source._consumer.stop()
    source._consumer = driver
    fetch = asyncio.create_task(asyncio.Event().wait())
    driver._pending_tasks.add(fetch)
    with pytest.raises(Unavailable):
        await source.start()
    with pytest.raises(SourceLost):
        await source.poll([partition], 1, 0)
    for call in (source.commit({partition: 1}), source.start_offsets([partition]), source.end_offsets([partition])):
        with pytest.raises(Unavailable):
            await call
    await source.stop()
    await asyncio.wait([fetch])
    assert fetch.cancelled()
    assert driver.closed == ["client"]


class _NoOwner:
    async def assigned(self, partitions: object) -> None:
        """Takes none."""

    async def revoked(self, partitions: object) -> None:
        """Has none."""


async def test_a_send_that_the_producer_drops_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(_: KafkaPublisher) -> _CutOffDriver:
        return _CutOffDriver()

    monkeypatch.setattr(KafkaPublisher, "_connect", connect)
    publisher = KafkaPublisher(NO_KAFKA, "tests")
    with pytest.raises(EventLogUnavailable):
        await publisher.send([sample_record(SAMPLE, "ann", 0)])
