"""The runner on the broker in memory: the suite it shares with the real one, and what needs a broker that obeys."""

from __future__ import annotations

import pytest

from photomesh_shared.events import Record, dead_letter_topic
from photomesh_shared.kafka.source import Connect
from tests.support.memory_broker import MemoryBroker, MemoryPublisher
from tests.support.runner_suite import RunnerSuite
from tests.support.things import THINGS, Thing


class MemoryBench:
    group = "tests"
    kind: type[Thing] = THINGS

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
