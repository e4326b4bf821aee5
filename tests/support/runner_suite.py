"""What the consumer runner promises, as tests that run on a real broker and on the one in memory."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
from prometheus_client import REGISTRY

from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, Record, decode
from photomesh_shared.kafka.dead_letter import restore
from photomesh_shared.kafka.failures import Invalid, Transient
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.runner import ConsumerRunner, Handler, RetryPolicy
from photomesh_shared.kafka.source import Connect
from tests.support.sample_events import SampleEvent, catalogue_with, record_of_unknown_type, sample_record, sample_topic
from tests.support.waiting import eventually

QUICK = RetryPolicy(attempts=3, backoff=Backoff(base=0.01, cap=0.02))


class Bench(Protocol):
    """A topic of four partitions on some broker, with one consumer group."""

    group: str
    kind: type[SampleEvent]
    publisher: Publisher

    def connect(self) -> Connect: ...
    async def dead_letters(self) -> list[Record]: ...
    async def lag(self) -> int:
        """Records after the group's committed offsets."""
        ...


@dataclass
class Recorder:
    """A handler that remembers, and fails when told to."""

    seen: list[tuple[str, int]] = field(default_factory=list)
    by_key: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    working_on: set[str] = field(default_factory=set)
    most_at_once: int = 0
    fail: Callable[[SampleEvent], Exception | None] = lambda event: None
    gate: asyncio.Event | None = None

    async def __call__(self, envelope: Envelope[SampleEvent]) -> None:
        event = envelope.data
        assert event.who not in self.working_on, "two records of one key at a time"
        self.working_on.add(event.who)
        self.most_at_once = max(self.most_at_once, len(self.working_on))
        try:
            await asyncio.sleep(0)
            if self.gate:
                await self.gate.wait()
            if error := self.fail(event):
                raise error
            self.seen.append((event.who, event.number))
            self.by_key[event.who].append(event.number)
        finally:
            self.working_on.discard(event.who)


class RunnerSuite:
    """A subclass gives the fixture `bench`."""

    @asynccontextmanager
    async def running(
        self, bench: Bench, handler: Handler, *, retry: RetryPolicy = QUICK, **options: Any
    ) -> AsyncIterator[ConsumerRunner]:
        """A runner that has joined; stopped and awaited at the end."""
        handlers: Mapping[type[Event], Handler] = {bench.kind: handler}
        runner = ConsumerRunner(
            bench.connect(),
            group=bench.group,
            handlers=handlers,
            publisher=bench.publisher,
            retry=retry,
            commit_seconds=0.05,
            drain_seconds=5.0,
            randomness=random.Random(1),
            catalogue=catalogue_with(sample_topic(bench.kind.topic, bench.group)),
            **options,
        )
        stop = asyncio.Event()
        task = asyncio.create_task(runner.run(stop))

        async def joined() -> bool:
            assert not task.done(), task
            try:
                await runner.check()
            except Unavailable:
                return False
            return True

        try:
            await eventually(joined)
            yield runner
        finally:
            stop.set()
            await task

    async def publish(self, bench: Bench, who: Sequence[str], numbers: Sequence[int]) -> None:
        await bench.publisher.send([sample_record(bench.kind, w, number) for number in numbers for w in who])

    async def done(self, bench: Bench) -> None:
        async def lag() -> int:
            return await bench.lag()

        await eventually(lag, until=lambda left: left == 0)

    async def test_every_record_is_handled_once_and_committed(self, bench: Bench) -> None:
        handler = Recorder()
        await self.publish(bench, ["ann", "bob", "cat", "dan"], range(25))
        async with self.running(bench, handler):
            await self.done(bench)
        assert sorted(handler.seen) == sorted((who, n) for n in range(25) for who in ("ann", "bob", "cat", "dan"))
        again = Recorder()
        async with self.running(bench, again):
            await self.publish(bench, ["eve"], [0])
            await self.done(bench)
        assert again.seen == [("eve", 0)]

    async def test_order_within_a_key_and_concurrency_between_keys(self, bench: Bench) -> None:
        handler = Recorder()
        keys = [f"key{n}" for n in range(20)]
        await self.publish(bench, keys, range(10))
        async with self.running(bench, handler, concurrency=4):
            await self.done(bench)
        assert all(handler.by_key[key] == list(range(10)) for key in keys)
        assert handler.most_at_once > 4

    async def test_what_cannot_be_decoded_is_put_aside_and_the_rest_goes_on(self, bench: Bench) -> None:
        good = sample_record(bench.kind, "ann", 1)
        bad = Record(good.topic, good.key, b'{"who": 7}', good.headers)
        naked = Record(good.topic, b"ann", b"not an event")
        handler = Recorder()
        await bench.publisher.send([bad, naked, good])
        async with self.running(bench, handler):
            await self.done(bench)
        assert handler.seen == [("ann", 1)]
        letters = await bench.dead_letters()
        assert [letter.header("dlt_cause") for letter in letters] == ["undecodable", "undecodable"]
        assert [letter.header("dlt_group") for letter in letters] == [bench.group, bench.group]
        assert "number: Field required" in (letters[0].header("dlt_error") or "")
        assert "ce_type is missing" in (letters[1].header("dlt_error") or "")
        assert [restore(letter) for letter in letters] == [bad, naked]

    async def test_what_is_invalid_is_put_aside_at_once(self, bench: Bench) -> None:
        attempts: list[int] = []

        async def handler(envelope: Envelope[SampleEvent]) -> None:
            attempts.append(envelope.data.number)
            raise Invalid("it makes no sense")

        await self.publish(bench, ["ann"], [1])
        async with self.running(bench, handler):
            await self.done(bench)
        (letter,) = await bench.dead_letters()
        assert attempts == [1]
        assert letter.header("dlt_cause") == "invalid"
        assert decode(restore(letter)).data == bench.kind(who="ann", number=1)

    async def test_what_fails_is_tried_again_in_place(self, bench: Bench) -> None:
        failures = iter([Transient("once"), OSError("twice")])
        handler = Recorder(fail=lambda event: next(failures, None) if event.number == 1 else None)
        await self.publish(bench, ["ann"], [0, 1, 2])
        async with self.running(bench, handler):
            await self.done(bench)
        assert handler.by_key["ann"] == [0, 1, 2]
        assert await bench.dead_letters() == []

    async def test_what_keeps_failing_is_told_and_put_aside_and_the_key_goes_on(self, bench: Bench) -> None:
        told: list[tuple[str, str]] = []
        handler = Recorder(fail=lambda event: Transient("never") if event.number == 1 else None)

        async def on_exhausted(envelope: Envelope[Event], error: Exception) -> None:
            told.append((envelope.id, str(error)))

        await self.publish(bench, ["ann"], [0, 1, 2])
        async with self.running(bench, handler, on_exhausted=on_exhausted):
            await self.done(bench)
        (letter,) = await bench.dead_letters()
        assert handler.by_key["ann"] == [0, 2]
        assert told == [("ann.1", "never")]
        assert letter.header("dlt_cause") == "exhausted"
        assert letter.header("dlt_attempts") == "3"
        assert letter.header("dlt_error") == "Transient: never"

    async def test_a_dependency_that_is_down_uses_up_no_attempts(self, bench: Bench) -> None:
        down = iter(range(2 * QUICK.attempts))
        handler = Recorder(fail=lambda event: Unavailable("no store") if next(down, None) is not None else None)
        await self.publish(bench, ["ann"], [0])
        async with self.running(bench, handler):
            await self.done(bench)
        assert handler.seen == [("ann", 0)]
        assert await bench.dead_letters() == []

    async def test_types_that_are_not_for_us_are_skipped(self, bench: Bench) -> None:
        handler = Recorder()
        await bench.publisher.send([record_of_unknown_type(bench.kind), sample_record(bench.kind, "ann", 0)])
        async with self.running(bench, handler):
            await self.done(bench)
        assert handler.seen == [("ann", 0)]
        assert await bench.dead_letters() == []

    async def test_stopping_finishes_what_was_begun_and_begins_nothing_more(self, bench: Bench) -> None:
        handler = Recorder(gate=asyncio.Event())
        await self.publish(bench, ["ann"], [0, 1, 2])
        async with self.running(bench, handler):

            async def begun() -> bool:
                return bool(handler.working_on)

            await eventually(begun)
            assert handler.gate is not None
            asyncio.get_running_loop().call_later(0.1, handler.gate.set)
        assert handler.by_key["ann"] == [0]
        assert await bench.lag() == 2
        again = Recorder()
        async with self.running(bench, again):
            await self.done(bench)
        assert again.by_key["ann"] == [1, 2]

    async def test_no_more_is_taken_than_the_buffer_holds(self, bench: Bench) -> None:
        handler = Recorder(gate=asyncio.Event())
        keys = [f"key{n}" for n in range(160)]
        await self.publish(bench, keys, [0])
        async with self.running(bench, handler, buffer=8):

            async def in_flight() -> float:
                return REGISTRY.get_sample_value("photomesh_consumer_in_flight", {"group": bench.group}) or 0

            await eventually(in_flight, until=lambda count: count >= 4 * 8 / 2)
            assert await in_flight() <= 4 * 8  # four partitions
            assert handler.gate is not None
            handler.gate.set()
            await self.done(bench)
        assert sorted(handler.by_key) == sorted(keys)

    async def test_members_share_partitions_and_lose_nothing_when_one_leaves(self, bench: Bench) -> None:
        keys = [f"key{n}" for n in range(16)]
        first, second = Recorder(), Recorder()
        async with self.running(bench, first):
            await self.publish(bench, keys, [0])
            await self.done(bench)
            async with self.running(bench, second):
                await self.publish(bench, keys, [1, 2])
                await self.done(bench)
            await self.publish(bench, keys, [3])
            await self.done(bench)
        assert second.seen
        handled = first.seen + second.seen
        assert {(key, n) for key in keys for n in range(4)} == set(handled)
        owners = [{key for key, n in recorder.seen if n in (1, 2)} for recorder in (first, second)]
        assert not owners[0] & owners[1]

    async def test_a_rebalance_waits_for_what_was_begun_and_commits_it(self, bench: Bench) -> None:
        first, second = Recorder(gate=asyncio.Event()), Recorder()
        await self.publish(bench, ["ann"], [0])
        async with self.running(bench, first):

            async def begun() -> bool:
                return bool(first.working_on)

            await eventually(begun)
            assert first.gate is not None
            asyncio.get_running_loop().call_later(0.3, first.gate.set)
            async with self.running(bench, second):
                await self.done(bench)
        assert first.seen == [("ann", 0)]
        assert second.seen == []

    async def test_what_a_crash_left_undone_comes_again(self, bench: Bench) -> None:
        class Crash(BaseException):
            """Not an error that the runner deals with."""

        handler = Recorder(gate=asyncio.Event())
        await self.publish(bench, ["ann"], [0, 1])

        async def crash() -> None:
            async with self.running(bench, handler):

                async def begun() -> bool:
                    return bool(handler.working_on)

                await eventually(begun)
                handler.fail = lambda event: _as_exception(Crash())
                assert handler.gate is not None
                handler.gate.set()

        with pytest.raises(BaseExceptionGroup):
            await crash()
        again = Recorder()
        async with self.running(bench, again):
            await self.done(bench)
        assert again.by_key["ann"] == [0, 1]


def _as_exception(error: BaseException) -> Exception:
    raise error
