"""``python -m benchmarks.topics``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aiokafka import AIOKafkaProducer

import photomesh_local as local
from benchmarks.report import machine, write
from benchmarks.users import kafka_user
from photomesh_shared.events import TOPICS, Envelope, Record, Topic, encode, event_types
from photomesh_shared.events.envelope import tombstone_of
from photomesh_shared.kafka.admin.topics import apply_topics, topic_specs
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.verify_topics.reading import verify_topics

_STACK = "test"
_MEASURED = ("engagement", "follows", "posts")
_ACCOUNTS = 5_000


def records(topic: Topic, name: str, count: int) -> Iterator[Record]:
    """Records of all the topic's types, of many subjects, with the tombstones of what ends."""
    kinds = [event_types()[type_] for type_ in topic.types]
    began = datetime.now(UTC)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        example = kind.example()
        numbers = {field for field in kind.model_fields if type(getattr(example, field)) is int}
        owned = {"author_id", "follower_id", "blocker_id", "muter_id", "post_author_id"} & numbers
        changes = {field: getattr(example, field) + (number << 8) for field in numbers - owned}
        changes |= {field: getattr(example, field) + (number % _ACCOUNTS << 8) for field in owned}
        event = example.model_copy(update=changes)
        version = 1_790_000_000_000_000 + number
        envelope = Envelope.of(
            event, entityversion=version, id=f"{name}.{number}", time=began + timedelta(microseconds=number)
        )
        record = encode(envelope)
        yield replace(record, topic=name)
        if ended := tombstone_of(record):
            yield replace(ended, topic=name)


class Measured(NamedTuple):
    records: int
    count_seconds: float
    """Of a consumer that only counts the records."""
    verify_seconds: float


async def measure(kafka: KafkaSettings, topic: Topic, count: int, processes: int) -> Measured:
    name = f"bench_{topic.name}_{time.time_ns()}"
    sample = replace(topic, name=name, consumers=())
    await apply_topics(kafka, topic_specs([sample], replication=1))
    async with AIOKafkaProducer(**connection_options(kafka), linger_ms=50, max_batch_size=262_144) as producer:
        for record in records(topic, name, count):
            partition = partition_of(record.partition_key or b"", sample.partitions)
            await producer.send(name, record.value, record.key, partition, headers=list(record.headers))
        await producer.flush()
    began = time.perf_counter()
    counted = 0
    async for _ in read_topic(kafka, name):
        counted += 1
    between = time.perf_counter()
    (summary,) = await verify_topics(kafka, [sample], moved=False, since=None, processes=processes)
    if not summary.is_sound or summary.records != counted:
        raise SystemExit(f"the benchmark's {counted} records are not sound: {summary}")
    return Measured(counted, between - began, time.perf_counter() - between)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.topics", description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="events of each topic (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="5,000 events")
    options = parser.parse_args()
    count = 5_000 if options.quick else options.records
    local.up(_STACK, ["kafka"])
    kafka = kafka_user()
    processes = os.cpu_count() or 1
    lines = [
        "# Verifying topics",
        "",
        f"{processes} processes, whose start is included; {machine()}. All types of each topic in turn, from",
        f"{_ACCOUNTS:,} owners. Beside it, one process that reads the records and only counts them.",
        "",
        "| topic | records | counted a second | verified a second | ratio |",
        "| --- | --- | --- | --- | --- |",
    ]
    figures: dict[str, object] = {}
    for name in _MEASURED:
        found = asyncio.run(measure(kafka, TOPICS[name], count, processes))
        counted, verified = found.records / found.count_seconds, found.records / found.verify_seconds
        lines.append(f"| `{name}` | {found.records:,} | {counted:,.0f} | {verified:,.0f} | {verified / counted:.2f} |")
        figures[name] = found._asdict()
    print(write("topics", lines, figures))


if __name__ == "__main__":
    main()
