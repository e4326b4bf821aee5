"""Publishing to a real Kafka, also through its restart."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest

from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import Envelope, decode
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from tests.integration.shared.conftest import KafkaBench
from tests.support.sample_events import SampleEvent, sample_record
from tests.support.servers import Servers
from tests.support.waiting import eventually


async def numbers_by_key(bench: KafkaBench) -> dict[str, list[int]]:
    found = defaultdict[str, list[int]](list)
    for record in await bench.records():
        event = decode(record).data
        assert isinstance(event, SampleEvent)
        found[event.who].append(event.number)
    return found


async def test_what_is_published_is_there_with_key_headers_and_value(bench: KafkaBench) -> None:
    event = bench.kind(who="ann", number=1)
    envelope = Envelope.of(event, entityversion=1, id="ann.1", source="/test")
    await bench.publisher.publish(envelope)
    (record,) = await bench.records()
    assert record.key == b"ann"
    assert decode(record) == envelope


async def test_many_are_written_in_order_per_key(bench: KafkaBench) -> None:
    keys = [f"key{n}" for n in range(20)]
    await bench.publisher.send([sample_record(bench.kind, who, n) for n in range(100) for who in keys])
    assert await numbers_by_key(bench) == {who: list(range(100)) for who in keys}


async def test_what_is_too_large_is_refused_and_the_publisher_goes_on(bench: KafkaBench) -> None:
    record = sample_record(bench.kind, "ann", 1)
    huge = type(record)(record.topic, record.key, b"x" * 3_000_000, record.headers)
    with pytest.raises(ValueError, match="maximum request size"):
        await bench.publisher.send([huge])
    await bench.publisher.send([record])
    assert await numbers_by_key(bench) == {"ann": [1]}


async def test_a_batch_that_the_broker_refuses_costs_a_new_producer_and_no_more(bench: KafkaBench) -> None:
    record = sample_record(bench.kind, "ann", 1)
    refused = type(record)(record.topic, record.key, b"x" * 1_500_000, record.headers)
    with pytest.raises(ValueError, match="topic's maximum size"):
        await bench.publisher.send([refused])
    await bench.publisher.send([record])
    assert await numbers_by_key(bench) == {"ann": [1]}


async def test_no_kafka_is_said_soon_and_it_comes_back_by_itself() -> None:
    publisher = KafkaPublisher("127.0.0.1:1", "tests")
    await publisher.start()
    with pytest.raises(EventLogUnavailable):
        await publisher.check()
    with pytest.raises(EventLogUnavailable):
        await publisher.send([])
    await publisher.stop()


async def test_a_restart_of_kafka_loses_repeats_and_reorders_nothing(bench: KafkaBench, servers: Servers) -> None:
    acknowledged = defaultdict[str, list[int]](list)
    stop = asyncio.Event()

    async with open_publisher(bench.bootstrap, "through-a-restart") as publisher:

        async def publish(who: str) -> None:
            number = 0
            while not stop.is_set():
                try:
                    await publisher.send([sample_record(bench.kind, who, number)])
                except EventLogUnavailable:
                    # Whether it was written is not known, so it is not written again: this test counts repeats.
                    pass
                else:
                    acknowledged[who].append(number)
                number += 1

        async with asyncio.TaskGroup() as tasks:
            for n in range(8):
                tasks.create_task(publish(f"key{n}"))

            async def some() -> bool:
                return sum(map(len, acknowledged.values())) > 100

            await eventually(some)
            await asyncio.to_thread(servers.restart, "kafka")
            before = sum(map(len, acknowledged.values()))

            async def more() -> bool:
                return sum(map(len, acknowledged.values())) > before + 100

            await eventually(more, within=60)
            stop.set()
        await publisher.check()

    written = await numbers_by_key(bench)
    for who, numbers in acknowledged.items():
        assert set(numbers) <= set(written[who])
        assert written[who] == sorted(set(written[who]))
