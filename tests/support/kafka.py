"""Reading topics in tests."""

from __future__ import annotations

from collections.abc import Callable

from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.support.waiting import eventually

from photomesh_shared.events import Envelope, Event, Record, decode

__all__ = ["Topics"]


class Topics:
    """The test stack's topics, read from their beginning without a group."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    async def records(self, topic: str) -> list[Record]:
        """Everything that the topic holds now."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False, group_id=None)
        await consumer.start()
        try:
            await consumer._client.force_metadata_update()  # a topic without a subscription is not known yet
            cluster = await consumer._client.fetch_all_metadata()
            partitions = [TopicPartition(topic, number) for number in cluster.partitions_for_topic(topic) or ()]
            if not partitions:
                return []
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning(*partitions)
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
        return [decode(record) for record in records]

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
