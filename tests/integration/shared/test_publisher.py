"""Publishing to a real Kafka, also through its restart."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import Envelope, decode, encode
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.kafka.reading import read_topic
from tests.integration.shared.conftest import KafkaBench
from tests.support.kafka import NO_KAFKA
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
    publisher = KafkaPublisher(NO_KAFKA, "tests")
    await publisher.start()
    with pytest.raises(EventLogUnavailable):
        await publisher.check()
    with pytest.raises(EventLogUnavailable):
        await publisher.send([])
    await publisher.stop()


async def test_a_restart_of_kafka_loses_repeats_and_reorders_nothing(bench: KafkaBench, servers: Servers) -> None:
    acknowledged = defaultdict[str, list[int]](list)
    stop = asyncio.Event()

    async with open_publisher(bench.kafka, "through-a-restart") as publisher:

        async def publish(who: str) -> None:
            number = 0
            while not stop.is_set():
                try:
                    await publisher.send([sample_record(bench.kind, who, number)])
                except EventLogUnavailable:
                    # Whether it was written is not known, so it is not written again: this test counts repeats.
                    await asyncio.sleep(0.01)
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


async def test_an_end_and_its_tombstone_are_written_as_one(bench: KafkaBench) -> None:
    """Many writers end the same things at the same time: nothing is between an end and its tombstone."""

    class Ended(bench.kind):  # type: ignore[misc, name-defined] # a class of this test's topic
        type_ = f"{bench.kind.type_}.ended"
        ends = True

    ends = [
        encode(Envelope.of(Ended(who=f"key{n % 5}", number=n), entityversion=n + 1, source="/t")) for n in range(40)
    ]
    others = [sample_record(bench.kind, f"key{n % 5}", n) for n in range(40)]
    await asyncio.gather(
        *(bench.publisher.send([record]) for pair in zip(ends, others, strict=True) for record in pair)
    )
    records = await bench.records()
    assert len(records) == 120
    for record, follower in pairwise([*records, records[0]]):
        if record.header("ce_type") == Ended.type_:
            assert follower.is_tombstone
            assert (follower.key, follower.header("ce_id")) == (record.key, f"{record.header('ce_id')}.tombstone")


async def test_a_record_is_in_the_partition_of_its_owner(bench: KafkaBench) -> None:
    owned = [
        replace(sample_record(bench.kind, f"thing{n}", n), headers=(("ce_partitionkey", f"owner{n % 7}".encode()),))
        for n in range(40)
    ]
    await bench.publisher.send(owned)
    found = [received async for received in read_topic(bench.kafka, bench.kind.topic)]
    assert len(found) == 40
    for received in found:
        assert received.partition.number == partition_of(received.record.partition_key or b"", 4)
    assert all(
        [r.offset for r in found if r.partition.number == n] == list(range(sum(r.partition.number == n for r in found)))
        for n in range(4)
    )
