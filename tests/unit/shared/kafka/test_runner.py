"""The runner on the broker in memory: the suite it shares with the real one, and what needs a broker that obeys."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from prometheus_client import REGISTRY

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, PhotoReady, Record, dead_letter_topic
from photomesh_shared.kafka.failures import Invalid, Transient
from photomesh_shared.kafka.handling import OnExhausted
from photomesh_shared.kafka.runner import ConsumerRunner
from photomesh_shared.kafka.source import Connect, Ownership, Source
from tests.support.clock import run_virtually
from tests.support.memory_broker import MemoryBroker, MemoryPublisher, MemorySource
from tests.support.memory_runner import lag_gone, runner_on
from tests.support.runner_suite import Recorder, RunnerSuite
from tests.support.sample_events import SAMPLE, SampleEvent, sample_record


class MemoryBench:
    group = "tests"
    kind: type[SampleEvent] = SAMPLE

    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.publisher = MemoryPublisher(self.broker)

    def connect(self) -> Connect:
        return self.broker.connect()

    async def dead_letters(self) -> list[Record]:
        return self.broker.records(dead_letter_topic(self.kind.topic, self.group))

    async def lag(self) -> int:
        return self.broker.lag(self.group, self.kind.topic)


class TestRunnerInMemory(RunnerSuite):
    @pytest.fixture
    def bench(self) -> MemoryBench:
        return MemoryBench()


def test_a_group_that_is_not_in_the_catalogue_is_refused() -> None:
    async def build() -> None:
        with pytest.raises(ValueError, match="does not list strangers"):
            ConsumerRunner(
                MemoryBroker().connect(),
                group="strangers",
                handlers={PhotoReady: Recorder()},
                publisher=MemoryPublisher(MemoryBroker()),
            )

    run_virtually(build())


def test_a_consumer_that_gets_nothing_is_replaced() -> None:
    """As clients do that are alive but deaf after a broker's restart."""

    async def scene() -> None:
        broker, handler, sources = MemoryBroker(), Recorder(), list[MemorySource]()

        def connect(group: str, topics: Sequence[str], ownership: Ownership) -> Source:
            source = MemorySource(broker, broker.group(group), topics, ownership)
            source.deaf = not sources
            sources.append(source)
            return source

        runner = runner_on(broker, handler, connect=connect, stall_seconds=120)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await broker.append([sample_record(SAMPLE, "ann", 0)])
        async with asyncio.timeout(120):
            await lag_gone(broker)
        assert len(sources) == 2
        assert handler.seen == [("ann", 0)]
        assert runner.alive()
        stop.set()
        await task

    run_virtually(scene())


def test_a_handler_that_hangs_fails_liveness_and_one_that_waits_for_a_dependency_does_not() -> None:
    async def scene(fail: Exception | None) -> bool:
        broker = MemoryBroker()

        async def handler(_: object) -> None:
            if fail:
                raise fail
            await asyncio.Event().wait()

        runner = runner_on(broker, handler, stall_seconds=120, drain_seconds=1)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await broker.append([sample_record(SAMPLE, "ann", 0)])
        await asyncio.sleep(600)
        alive = runner.alive()
        stop.set()
        await task
        assert broker.lag("tests", SAMPLE.topic) == 1
        return alive

    assert run_virtually(scene(None)) is False
    assert run_virtually(scene(Unavailable("no store"))) is True


def test_a_broker_that_is_down_is_waited_for() -> None:
    async def scene() -> None:
        broker, handler = MemoryBroker(), Recorder()
        broker.down = True
        runner = runner_on(broker, handler, stall_seconds=60)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await asyncio.sleep(600)
        assert runner.alive()
        with pytest.raises(Unavailable):
            await runner.check()
        broker.down = False
        await broker.append([sample_record(SAMPLE, "ann", n) for n in range(3)])
        async with asyncio.timeout(60):
            await lag_gone(broker)
        await runner.check()
        broker.down = True
        await asyncio.sleep(600)
        assert runner.alive()
        stop.set()
        await task

    run_virtually(scene())


def test_a_dead_letter_that_cannot_be_written_is_kept_trying_and_nothing_is_committed() -> None:
    async def scene() -> None:
        broker = MemoryBroker()
        letters = MemoryBroker()
        letters.down = True

        async def handler(_: object) -> None:
            raise Invalid("poison")

        runner = runner_on(broker, handler, publisher=MemoryPublisher(letters))
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await broker.append([sample_record(SAMPLE, "ann", 0)])
        await asyncio.sleep(60)
        assert broker.lag("tests", SAMPLE.topic) == 1
        letters.down = False
        async with asyncio.timeout(60):
            await lag_gone(broker)
        assert len(letters.records(dead_letter_topic(SAMPLE.topic, "tests"))) == 1
        stop.set()
        await task

    run_virtually(scene())


def test_on_exhausted_waits_for_dependencies_and_its_own_failure_does_not_stop_the_dead_letter() -> None:
    async def scene(hook: OnExhausted) -> list[Record]:
        broker = MemoryBroker()
        runner = runner_on(broker, Recorder(fail=lambda event: Transient("never")), on_exhausted=hook)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        await broker.append([sample_record(SAMPLE, "ann", 0)])
        async with asyncio.timeout(600):
            await lag_gone(broker)
        stop.set()
        await task
        return broker.records(dead_letter_topic(SAMPLE.topic, "tests"))

    calls = 0

    async def down_at_first(envelope: Envelope[Event], error: Exception) -> None:
        nonlocal calls
        calls += 1
        if calls < 10:
            raise Unavailable("no log")

    async def broken(envelope: Envelope[Event], error: Exception) -> None:
        raise RuntimeError("a bug")

    assert len(run_virtually(scene(down_at_first))) == 1
    assert calls == 10
    (letter,) = run_virtually(scene(broken))
    assert letter.header("dlt_error") == "Transient: never"


def test_the_lag_is_exported_while_partitions_are_ours() -> None:
    async def scene() -> None:
        broker, handler = MemoryBroker(), Recorder(gate=asyncio.Event())
        runner = runner_on(broker, handler)
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))
        records = [sample_record(SAMPLE, "ann", n) for n in range(5)]
        await broker.append(records)
        await asyncio.sleep(10)
        partition = broker.partition_of(records[0])
        labels = {"group": "tests", "topic": partition.topic, "partition": str(partition.number)}
        assert REGISTRY.get_sample_value("photomesh_consumer_lag", labels) == 5
        assert REGISTRY.get_sample_value("photomesh_consumer_lag_seconds", labels) == pytest.approx(10, abs=5)
        await asyncio.sleep(60)
        assert REGISTRY.get_sample_value("photomesh_consumer_lag_seconds", labels) == pytest.approx(70, abs=5)
        assert handler.gate is not None
        handler.gate.set()
        await asyncio.sleep(10)
        assert REGISTRY.get_sample_value("photomesh_consumer_lag", labels) == 0
        assert REGISTRY.get_sample_value("photomesh_consumer_lag_seconds", labels) == 0
        stop.set()
        await task
        assert REGISTRY.get_sample_value("photomesh_consumer_lag", labels) is None
        assert REGISTRY.get_sample_value("photomesh_consumer_lag_seconds", labels) is None

    run_virtually(scene())


def test_records_that_nobody_reads_have_no_age() -> None:
    async def scene() -> None:
        broker = MemoryBroker()

        def connect(group: str, topics: Sequence[str], ownership: Ownership) -> Source:
            source = MemorySource(broker, broker.group(group), topics, ownership)
            source.deaf = True
            return source

        stop = asyncio.Event()
        task = asyncio.create_task(runner_on(broker, Recorder(), connect=connect).run(stop))
        records = [sample_record(SAMPLE, "ann", n) for n in range(5)]
        await broker.append(records)
        await asyncio.sleep(10)
        partition = broker.partition_of(records[0])
        labels = {"group": "tests", "topic": partition.topic, "partition": str(partition.number)}
        assert REGISTRY.get_sample_value("photomesh_consumer_lag", labels) == 5
        assert REGISTRY.get_sample_value("photomesh_consumer_lag_seconds", labels) is None
        stop.set()
        await task

    run_virtually(scene())
