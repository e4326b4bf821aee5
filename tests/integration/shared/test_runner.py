"""The runner's promises on a real Kafka."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_shared.kafka.consumer import KafkaSource, kafka_source
from tests.integration.shared.conftest import KafkaBench
from tests.support.runner_suite import Recorder, RunnerSuite
from tests.support.waiting import eventually


class TestRunnerOnKafka(RunnerSuite):
    @pytest.fixture
    def bench(self, bench: KafkaBench) -> KafkaBench:
        return bench

    async def test_a_record_that_is_sent_twice_is_handled_twice_with_one_id(self, bench: KafkaBench) -> None:
        handler = Recorder()
        await self.publish(bench, ["ann"], [0, 0])
        async with self.running(bench, handler):
            await self.done(bench)
        assert handler.seen == [("ann", 0), ("ann", 0)]


class _NoOwner:
    async def assigned(self, partitions: object) -> None:
        """Takes none."""

    async def revoked(self, partitions: object) -> None:
        """Has none."""


async def test_a_consumer_whose_tasks_have_died_is_recognised(bench: KafkaBench) -> None:
    source = kafka_source(bench.kafka)(bench.group, [bench.kind.topic], _NoOwner())
    assert isinstance(source, KafkaSource)
    await source.start()
    assert not source.failed()
    source._consumer._fetcher._fetch_task.cancel()

    async def failed() -> bool:
        return source.failed()

    await eventually(failed)
    await asyncio.wait_for(source.stop(), 10)
