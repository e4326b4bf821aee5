"""Batch handlers: what waits of a key is handed over together, and one bad record spoils nothing for the others."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Record, dead_letter_topic
from photomesh_shared.kafka.failures import Invalid, Transient
from photomesh_shared.kafka.runner import BatchHandler, ConsumerRunner, Handler, RetryPolicy
from tests.support.clock import LoopClock, run_virtually
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.support.sample_events import SAMPLE, SampleEvent, catalogue_with, sample_record, sample_topic, sample_type
from tests.support.waiting import eventually

OTHERS = sample_type("things_of_another_kind")
OTHERS.topic = SAMPLE.topic


@dataclass
class Batches:
    """A batch handler that remembers, and fails when told to."""

    seen: list[list[int]] = field(default_factory=list)
    fail: Callable[[list[int]], Exception | None] = lambda numbers: None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, envelopes: Sequence[Envelope[SampleEvent]]) -> None:
        self.begun.set()
        await self.gate.wait()
        numbers = [envelope.data.number for envelope in envelopes]
        if error := self.fail(numbers):
            raise error
        self.seen.append(numbers)

    @property
    def numbers(self) -> list[int]:
        return [number for batch in self.seen for number in batch]


@asynccontextmanager
async def running(
    broker: MemoryBroker, handler: BatchHandler, *, others: Handler | None = None, **options: Any
) -> AsyncIterator[ConsumerRunner]:
    runner = ConsumerRunner(
        broker.connect(),
        group="tests",
        handlers={OTHERS: others} if others else {},
        batch_handlers={SAMPLE: handler},
        publisher=MemoryPublisher(broker),
        retry=RetryPolicy(attempts=3),
        clock=LoopClock(),
        randomness=random.Random(1),
        catalogue=catalogue_with(sample_topic(SAMPLE.topic, "tests")),
        **options,
    )
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield runner
    finally:
        stop.set()
        await task


async def caught_up(broker: MemoryBroker) -> None:
    async def lag() -> int:
        return broker.lag("tests", SAMPLE.topic)

    await eventually(lag, until=lambda left: left == 0, within=600)


def letters(broker: MemoryBroker) -> list[str | None]:
    return [letter.header("ce_id") for letter in broker.records(dead_letter_topic(SAMPLE.topic, "tests"))]


def records(count: int, kind: type[SampleEvent] = SAMPLE, who: str = "ann") -> list[Record]:
    return [sample_record(kind, who, number) for number in range(count)]


async def handled(broker: MemoryBroker, handler: Batches, written: list[Record], **options: Any) -> None:
    """Writes a first record, and the others while it is being handled; waits for all of them."""
    async with running(broker, handler, **options):
        await broker.append(written[:1])
        await handler.begun.wait()
        await broker.append(written[1:])
        await asyncio.sleep(1)
        handler.gate.set()
        await caught_up(broker)


def test_what_waits_of_a_key_comes_together_and_in_order() -> None:
    async def scene() -> None:
        handler = Batches()
        await handled(MemoryBroker(), handler, records(30))
        assert handler.seen == [[0], list(range(1, 30))]

    run_virtually(scene())


def test_a_batch_is_bounded() -> None:
    async def scene() -> None:
        handler = Batches()
        await handled(MemoryBroker(), handler, records(25), batch=10)
        assert [len(batch) for batch in handler.seen] == [1, 10, 10, 4]
        assert handler.numbers == list(range(25))

    run_virtually(scene())


def test_keys_do_not_mix() -> None:
    async def scene() -> None:
        broker, seen = MemoryBroker(partitions=1), list[set[str]]()

        async def handler(envelopes: Sequence[Envelope[SampleEvent]]) -> None:
            await asyncio.sleep(1)
            seen.append({envelope.data.who for envelope in envelopes})

        await broker.append([record for pair in zip(records(9), records(9, who="bob"), strict=True) for record in pair])
        async with running(broker, handler):
            await caught_up(broker)
        assert all(len(whose) == 1 for whose in seen)

    run_virtually(scene())


def test_another_kind_of_record_ends_a_batch_and_order_holds() -> None:
    async def scene() -> None:
        handler, order = Batches(), list[int]()

        async def other(envelope: Envelope[SampleEvent]) -> None:
            assert handler.numbers == [0, 1, 2]
            order.append(envelope.data.number)

        first, between, last = records(3), sample_record(OTHERS, "ann", 7), records(6)[3:]
        await handled(MemoryBroker(), handler, [*first, between, *last], others=other)
        assert handler.seen == [[0], [1, 2], [3, 4, 5]]
        assert order == [7]

    run_virtually(scene())


def test_one_poisonous_record_is_put_aside_alone() -> None:
    async def scene(error: Exception) -> None:
        broker = MemoryBroker()
        handler = Batches(fail=lambda numbers: error if 4 in numbers else None)
        await handled(broker, handler, records(9))
        assert handler.numbers == [0, 1, 2, 3, 5, 6, 7, 8]
        assert letters(broker) == ["ann.4"]

    run_virtually(scene(Invalid("poison")))
    run_virtually(scene(Transient("never")))


def test_a_record_that_is_no_event_is_put_aside_and_batches_go_on_around_it() -> None:
    async def scene() -> None:
        broker, handler = MemoryBroker(), Batches()
        written = records(9)
        written[4] = Record(written[4].topic, written[4].key, b"{", written[4].headers)
        await handled(broker, handler, written)
        assert handler.seen == [[0], [1, 2, 3], [5, 6, 7, 8]]
        assert letters(broker) == ["ann.4"]

    run_virtually(scene())


def test_a_batch_that_fails_once_costs_nothing() -> None:
    async def scene() -> None:
        broker, failures = MemoryBroker(), iter([None, Transient("once")])
        handler = Batches(fail=lambda numbers: next(failures, None))
        await handled(broker, handler, records(5))
        assert handler.seen == [[0], [1], [2], [3], [4]]
        assert letters(broker) == []

    run_virtually(scene())


def test_a_batch_waits_for_a_dependency_as_a_whole() -> None:
    async def scene() -> None:
        broker, down = MemoryBroker(), iter(range(20))
        handler = Batches(fail=lambda numbers: Unavailable("no store") if next(down, None) is not None else None)
        await handled(broker, handler, records(5))
        assert handler.seen == [[0], [1, 2, 3, 4]]

    run_virtually(scene())


def test_what_is_put_off_is_done_before_its_offsets_are_committed() -> None:
    async def scene() -> None:
        broker, done, flushed = MemoryBroker(), list[int](), list[int]()
        down = iter(range(3))

        async def handler(envelopes: Sequence[Envelope[SampleEvent]]) -> None:
            done.extend(envelope.data.number for envelope in envelopes)

        async def flush() -> None:
            await asyncio.sleep(0.5)
            if next(down, None) is not None:
                raise Unavailable("no log")
            flushed[:] = done

        def check(_: str, offsets: object) -> None:
            assert flushed
            assert len(flushed) >= sum(broker.committed("tests").values())

        broker.on_commit.append(check)
        async with running(broker, handler, flush=flush):
            for record in records(30):
                await broker.append([record])
                await asyncio.sleep(0.3)
            await caught_up(broker)
        assert flushed == list(range(30))

    run_virtually(scene())


def test_a_process_that_stops_flushes_first() -> None:
    async def scene() -> None:
        broker, handler, flushes = MemoryBroker(), Batches(), list[int]()
        handler.gate.set()

        async def flush() -> None:
            flushes.append(len(handler.numbers))

        async with running(broker, handler, flush=flush, commit_seconds=3600):
            await broker.append(records(3))
            await handler.begun.wait()
        assert flushes == [3]
        assert broker.lag("tests", SAMPLE.topic) == 0

    run_virtually(scene())


def test_an_ordered_partition_is_handled_in_its_order_whosever_records_are() -> None:
    async def scene() -> None:
        broker, seen = MemoryBroker(partitions=1), list[tuple[int, int, bytes]]()

        async def handler(envelopes: Sequence[Envelope[SampleEvent]]) -> None:
            await asyncio.sleep(1)
            for envelope in envelopes:
                assert envelope.position is not None
                seen.append((envelope.position.partition, envelope.position.offset, envelope.position.value))

        written = [sample_record(SAMPLE, f"person{number % 3}", number) for number in range(300)]
        await broker.append(written)
        async with running(broker, handler, ordered=[SAMPLE.topic]):
            await caught_up(broker)
        assert seen == [(0, offset, record.value) for offset, record in enumerate(written)]

    run_virtually(scene())
