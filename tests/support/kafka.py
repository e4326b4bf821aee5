"""Reading and writing topics in tests."""

from __future__ import annotations

from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from photomesh_local.configuration.environment import kafka_environment
from photomesh_shared.events import Envelope, Event, Record, decode
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.settings import KafkaSettings
from tests.support.services import settings_from
from tests.support.waiting import eventually

__all__ = ["NO_KAFKA", "Topics", "kafka_user", "kafka_variables"]

NO_KAFKA = KafkaSettings(kafka_bootstrap="127.0.0.1:1", kafka_security_protocol="PLAINTEXT")
"""Where nobody listens."""


def kafka_user(name: str | None = None) -> KafkaSettings:
    """A user of the test stack's Kafka; the administrator, who may do everything, if there is no name."""
    return settings_from(KafkaSettings, kafka_variables(name))


def kafka_variables(name: str | None = None) -> dict[str, str]:
    """The variables of a process that is this user."""
    return kafka_environment("test", name)


class Topics:
    """The test stack's topics, read from their beginning without a group."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self.kafka = kafka

    async def records(self, topic: str) -> list[Record]:
        """Everything that the topic holds now."""
        consumer = AIOKafkaConsumer(
            **connection_options(self.kafka),
            enable_auto_commit=False,
            group_id=None,
            auto_offset_reset="earliest",  # a seek can be undone by the reset that assigning begins
        )
        await consumer.start()
        try:
            await consumer._client.force_metadata_update()  # a topic without a subscription is not known yet
            cluster = await consumer._client.fetch_all_metadata()
            partitions = [TopicPartition(topic, number) for number in cluster.partitions_for_topic(topic) or ()]
            if not partitions:
                return []
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[Record] = []
            while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
                batch = await consumer.getmany(timeout_ms=500)
                for messages in batch.values():
                    found += [Record(topic, m.key, m.value, tuple(m.headers)) for m in messages]
            return found
        finally:
            await consumer.stop()

    async def events(self, topic: str, subject: str) -> list[Envelope[Event]]:
        """The events of one subject (``p_…``, ``u_…``), in order."""
        records = [record for record in await self.records(topic) if record.header("ce_subject") == subject]
        return [decode(record) for record in records if not record.is_tombstone]

    async def wait_for(
        self,
        topic: str,
        subject: str,
        *,
        until: Callable[[list[Envelope[Event]]], object] = bool,
        within: float = 30.0,
    ) -> list[Envelope[Event]]:
        """The subject's events once `until` holds for them."""
        return await eventually(lambda: self.events(topic, subject), until=until, within=within, every=0.2)

    async def send(self, records: list[Record]) -> None:
        """Writes records as they are, to the partitions of their owners."""
        async with AIOKafkaProducer(**connection_options(self.kafka), acks="all") as producer:
            for record in records:
                partitions = await producer.partitions_for(record.topic)
                number = partition_of(record.partition_key or b"", len(partitions))
                headers = list(record.headers)
                await producer.send_and_wait(record.topic, record.value, record.key, number, headers=headers)

    async def caught_up(self, group: str, *, within: float = 60.0) -> None:
        """Waits until the group has committed everything that its partitions hold now."""
        admin = AIOKafkaAdminClient(**connection_options(self.kafka))
        await admin.start()
        consumer = AIOKafkaConsumer(**connection_options(self.kafka), enable_auto_commit=False, group_id=None)
        await consumer.start()
        try:
            committed = await admin.list_consumer_group_offsets(group)
            ends = await consumer.end_offsets(list(committed))

            async def behind() -> dict[TopicPartition, int]:
                now = await admin.list_consumer_group_offsets(group)
                return {tp: end - now[tp].offset for tp, end in ends.items() if now[tp].offset < end}

            await eventually(behind, until=lambda lag: not lag, within=within, every=0.2)
        finally:
            await consumer.stop()
            await admin.close()
