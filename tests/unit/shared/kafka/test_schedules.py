"""Whole schedules from a seed: members come, go and crash at every failpoint, handlers fail, the broker goes away.
Some members handle records one by one, some in batches.

Whatever happens, an offset is committed only when every record before it is done with, the records of a key are done
in order, and in the end all are.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from photomesh_shared import failpoints
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, dead_letter_topic
from photomesh_shared.failpoints import FailpointReached
from photomesh_shared.kafka.failures import Invalid, Transient
from photomesh_shared.kafka.runner import ConsumerRunner, RetryPolicy
from photomesh_shared.kafka.source import Partition
from tests.support.clock import LoopClock, run_virtually
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.support.sample_events import SAMPLE, SampleEvent, catalogue_with, sample_record, sample_topic

GROUP = "schedules"
KEYS = [f"key{n}" for n in range(10)]
RECORDS_PER_KEY = 12
POISON = {("key1", 3), ("key2", 0), ("key7", 11)}
FAILPOINTS = ["runner.after_handle", "runner.before_commit", "runner.after_commit"]


class Schedule:
    """One run of everything, drawn from `seed`."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.broker = MemoryBroker()
        self.publisher = MemoryPublisher(self.broker)
        self.broker.on_commit.append(self.check_commit)
        self.completed: defaultdict[str, list[int]] = defaultdict(list)
        self.checked: defaultdict[Partition, int] = defaultdict(int)
        self.working_on: set[str] = set()
        self.overlaps: list[str] = []
        self.crashes = 0
        self.members: dict[asyncio.Task[None], asyncio.Event] = {}

    async def handle(self, envelope: Envelope[SampleEvent]) -> None:
        event = envelope.data
        if event.who in self.working_on:
            self.overlaps.append(event.who)
        self.working_on.add(event.who)
        try:
            await asyncio.sleep(self.random.choice([0, 0.001, 0.05, 2.0]))
        finally:
            self.working_on.discard(event.who)
        if (event.who, event.number) in POISON:
            raise Invalid("poison")
        match self.random.randrange(10):
            case 0:
                raise Transient("bad luck")
            case 1:
                raise Unavailable("no store")
        self.completed[event.who].append(event.number)

    async def handle_all(self, envelopes: Sequence[Envelope[SampleEvent]]) -> None:
        for envelope in envelopes:
            await self.handle(envelope)

    def done(self, who: str, number: int) -> bool:
        letters = self.broker.records(dead_letter_topic(SAMPLE.topic, GROUP))
        return number in self.completed[who] or any(r.header("ce_id") == f"{who}.{number}" for r in letters)

    def check_commit(self, _: str, offsets: Mapping[Partition, int]) -> None:
        for partition, mark in offsets.items():
            for record in self.broker.logs[partition][self.checked[partition] : mark]:
                who, _, number = (record.header("ce_id") or "").partition(".")
                assert self.done(who, int(number)), f"{who}.{number} is committed and not done with"
            self.checked[partition] = max(mark, self.checked[partition])

    def join(self) -> None:
        stop = asyncio.Event()
        together = self.random.choice([True, False])
        runner = ConsumerRunner(
            self.broker.connect(),
            group=GROUP,
            handlers={} if together else {SAMPLE: self.handle},
            batch_handlers={SAMPLE: self.handle_all} if together else {},
            publisher=self.publisher,
            concurrency=self.random.choice([1, 3, 8]),
            buffer=self.random.choice([2, 8, 64]),
            # Attempts enough that only poison is put aside, or order could not be told from bad luck.
            retry=RetryPolicy(attempts=50, backoff=Backoff(base=0.1, cap=1.0)),
            commit_seconds=self.random.choice([0.1, 0.5]),
            drain_seconds=self.random.choice([0.01, 5.0]),
            clock=LoopClock(),
            randomness=self.random,
            catalogue=catalogue_with(sample_topic(SAMPLE.topic, GROUP)),
        )
        self.members[asyncio.create_task(runner.run(stop))] = stop

    async def publish(self) -> None:
        for number in range(RECORDS_PER_KEY):
            for who in self.random.sample(KEYS, len(KEYS)):
                await self.broker.append([sample_record(SAMPLE, who, number)])
                await asyncio.sleep(self.random.choice([0, 0, 0.1]))

    async def disturb(self) -> None:
        for _ in range(12):
            await asyncio.sleep(self.random.uniform(0, 3))
            match self.random.randrange(5):
                case 0:
                    self.join()
                case 1 if self.members:
                    self.random.choice(list(self.members.values())).set()
                case 2:
                    point, count = self.random.choice(FAILPOINTS), self.random.randint(1, 5)
                    failpoints.configure({"PHOTOMESH_ENV": "test", "PHOTOMESH_FAILPOINTS": f"{point}=raise@{count}"})
                case 3:
                    self.broker.down = True
                    await asyncio.sleep(self.random.uniform(0, 5))
                    self.broker.down = False
                case 4 if self.members:
                    self.random.choice(list(self.members)).cancel()
            await self.bury()

    async def bury(self) -> None:
        """Forgets members that have ended, and lets another join for those that crashed."""
        for task in [task for task in self.members if task.done()]:
            del self.members[task]
            if task.cancelled() or task.exception() is not None:
                if not task.cancelled():
                    assert_crashed_at_failpoint(task.exception())
                self.crashes += 1
                self.join()

    async def run(self) -> None:
        self.join()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.publish())
                tasks.create_task(self.disturb())
            failpoints.configure({})
            await self.bury()
            self.join()
            async with asyncio.timeout(600):
                while self.broker.lag(GROUP, SAMPLE.topic):
                    await asyncio.sleep(1)
                    await self.bury()
        finally:
            failpoints.configure({})
            for stop in self.members.values():
                stop.set()
            await asyncio.gather(*self.members, return_exceptions=True)


def assert_crashed_at_failpoint(error: BaseException | None) -> None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, FailpointReached), repr(error)


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_nothing_is_lost_or_overtaken(first: int) -> None:
    crashes = 0
    for seed in range(first, first + 10):
        schedule = Schedule(seed)
        run_virtually(schedule.run())
        for who in KEYS:
            expected = [n for n in range(RECORDS_PER_KEY) if (who, n) not in POISON]
            first_times = list(dict.fromkeys(schedule.completed[who]))
            assert first_times == expected, f"seed {seed}, {who}"
        assert not schedule.overlaps, f"seed {seed}: two members worked on one key"
        crashes += schedule.crashes
    assert crashes, "these schedules crash nothing and so test little"
