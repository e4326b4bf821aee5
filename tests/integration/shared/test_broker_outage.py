"""Kafka is down for longer than any time-out: running consumers and publishers recover by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.kafka.runner import ConsumerRunner
from tests.integration.shared.conftest import KafkaBench
from tests.support.runner_suite import Recorder
from tests.support.sample_events import catalogue_with, sample_record, sample_topic
from tests.support.servers import Servers
from tests.support.waiting import eventually

OUTAGE_SECONDS = 75
"""Longer than half of the watchdog's 120 s: then the runner replaces its consumer, which has to stop without a
broker."""
MEMBERS = 4  # each has one partition, so the stops meet fetches in different states
KEYS = [f"key{number}" for number in range(16)]


@asynccontextmanager
async def member(bench: KafkaBench) -> AsyncIterator[tuple[Recorder, asyncio.Task[None]]]:
    handler = Recorder()
    runner = ConsumerRunner(
        bench.connect(),
        group=bench.group,
        handlers={bench.kind: handler},
        publisher=bench.publisher,
        catalogue=catalogue_with(sample_topic(bench.kind.topic, bench.group)),
    )
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield handler, task
    finally:
        stop.set()
        await asyncio.wait([task])


async def test_consumers_and_publishers_survive_an_outage(bench: KafkaBench, servers: Servers) -> None:
    async with AsyncExitStack() as stack:
        publisher = await stack.enter_async_context(open_publisher(bench.kafka, "tests-outage"))
        members = [await stack.enter_async_context(member(bench)) for _ in range(MEMBERS)]

        async def published(number: int) -> bool:
            try:
                await publisher.send([sample_record(bench.kind, key, number) for key in KEYS])
            except Unavailable:
                return False
            return True

        async def unhandled(number: int) -> list[str]:
            return [key for key in KEYS if not any(number in handler.by_key[key] for handler, _ in members)]

        await eventually(lambda: published(0))
        await eventually(lambda: unhandled(0), until=lambda keys: not keys, within=60)
        await asyncio.to_thread(servers.stop, "kafka")
        try:
            await asyncio.sleep(OUTAGE_SECONDS)
        finally:
            await asyncio.to_thread(servers.start, "kafka")
        assert [task for _, task in members if task.done()] == []
        await eventually(lambda: published(1), within=60)
        await eventually(lambda: unhandled(1), until=lambda keys: not keys, within=60)
