"""Topics and databases that only one test uses, on the real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from photomesh_shared.events import Record, dead_letter_topic
from photomesh_shared.kafka.admin.topics import apply_topics, topic_specs
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.publisher import KafkaPublisher, Publisher, open_publisher
from photomesh_shared.kafka.source import Connect
from photomesh_shared.settings import KafkaSettings
from photomesh_shared.stores.outbox import DDL
from tests.support.databases import new_database
from tests.support.kafka import Topics
from tests.support.sample_events import SampleEvent, sample_topic, sample_type, unique_name
from tests.support.servers import Servers


@pytest.fixture(scope="session")
async def publisher(kafka: KafkaSettings) -> AsyncIterator[KafkaPublisher]:
    async with open_publisher(kafka, "tests") as publisher:
        yield publisher


@pytest.fixture(scope="session")
async def admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection_options(kafka))
    await admin.start()
    yield admin
    await admin.close()


@dataclass
class KafkaBench:
    """A topic of four partitions and a consumer group; see `tests.support.runner_suite.Bench`."""

    group: str
    kind: type[SampleEvent]
    publisher: Publisher
    kafka: KafkaSettings
    admin: AIOKafkaAdminClient
    topics: Topics

    def connect(self) -> Connect:
        return kafka_source(self.kafka)

    async def records(self) -> list[Record]:
        return await self.topics.records(self.kind.topic)

    async def dead_letters(self) -> list[Record]:
        return await self.topics.records(dead_letter_topic(self.kind.topic, self.group))

    async def lag(self) -> int:
        partitions = [TopicPartition(self.kind.topic, number) for number in range(4)]
        consumer = AIOKafkaConsumer(**connection_options(self.kafka), enable_auto_commit=False, group_id=None)
        await consumer.start()
        try:
            ends = await consumer.end_offsets(partitions)
        finally:
            await consumer.stop()
        committed = await self.admin.list_consumer_group_offsets(self.group)
        return sum(end - (committed[tp].offset if tp in committed else 0) for tp, end in ends.items())


@pytest.fixture
async def bench(
    kafka: KafkaSettings, publisher: KafkaPublisher, admin: AIOKafkaAdminClient, topics: Topics
) -> AsyncIterator[KafkaBench]:
    bench = KafkaBench(unique_name("group"), sample_type(unique_name("samples")), publisher, kafka, admin, topics)
    specs = topic_specs([sample_topic(bench.kind.topic, bench.group)], replication=1)
    await apply_topics(kafka, specs)
    yield bench
    await admin.delete_topics([spec.name for spec in specs])


@pytest.fixture
async def dsn(servers: Servers) -> AsyncIterator[str]:
    """A database with an outbox and a table of counters."""
    async with new_database("identity") as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute(DDL)
        await connection.execute("CREATE TABLE counters (who text PRIMARY KEY, number int NOT NULL DEFAULT 0)")
        await connection.close()
        yield dsn
