"""Single places in topics: the record at an offset, and offsets by time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from aiokafka import TopicPartition

from photomesh_shared.kafka.consumer import received
from photomesh_shared.kafka.reading import _consumer, _partitions
from photomesh_shared.kafka.source import Partition, Received
from photomesh_shared.settings import KafkaSettings

__all__ = ["Place", "offsets_since", "record_at"]

_POLL_MS = 5_000


class Place(NamedTuple):
    """Where something begins in a partition, whose records are at `first_offset` and up to before `end_offset`."""

    offset: int
    first_offset: int
    end_offset: int


async def record_at(settings: KafkaSettings, partition: Partition, offset: int) -> Received | None:
    """Return the record at an offset; None if the topic does not have it any more. Raises Unavailable."""
    async with _consumer(settings) as consumer:
        partitions = await _partitions(consumer, partition.topic)
        tp = TopicPartition(*partition)
        if tp not in partitions:
            return None
        consumer.assign([tp])
        start = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        if not start <= offset < end:
            return None
        consumer.seek(tp, offset)
        while await consumer.position(tp) < end:
            for messages in (await consumer.getmany(tp, timeout_ms=_POLL_MS, max_records=1)).values():
                for message in messages:  # the next one, if that of the offset was compacted away
                    return received(message) if message.offset == offset else None
        return None


async def offsets_since(settings: KafkaSettings, topics: Collection[str], since: datetime) -> dict[Partition, Place]:
    """Return for each partition the place of the first record written since then, or of the next record to be written.
    Raises Unavailable."""
    async with _consumer(settings) as consumer:
        partitions = [tp for topic in topics for tp in await _partitions(consumer, topic)]
        starts = await consumer.beginning_offsets(partitions)
        ends = await consumer.end_offsets(partitions)
        found = await consumer.offsets_for_times(dict.fromkeys(partitions, max(int(since.timestamp() * 1000), 0)))
        return {
            Partition(tp.topic, tp.partition): Place(
                found[tp].offset if found.get(tp) else ends[tp], starts[tp], ends[tp]
            )
            for tp in partitions
        }
