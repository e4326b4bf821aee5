"""Moves the records of a compacted topic to where the contract has them: `python -m photomesh_shared.provision settle`.

Two changes leave records elsewhere. Under an earlier contract the key was the owner, so that one key had many things.
And when a topic gets more partitions, an owner's records go to another one; compaction is per partition, so the last
record of a thing would stay in the old one for ever.

`settle` writes the latest state of each thing that only has such records to its key and partition, then a tombstone for
each such key. The state keeps id and version, so consumers that have it skip it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, Event, Record, decode_or_skip, encode, tombstone
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.reading import partition_counts, read_topic
from photomesh_shared.kafka.source import Received
from photomesh_shared.settings import KafkaSettings

__all__ = ["Settled", "settle"]


class Settled(NamedTuple):
    """`moved`: states that were written; `removed`: keys that got a tombstone."""

    moved: int
    removed: int


@dataclass
class _Misplaced:
    partitions: int
    states: dict[str, Envelope[Event]] = field(default_factory=dict)
    """The latest misplaced event by its thing's key."""
    keys: dict[tuple[int, bytes], Record] = field(default_factory=dict)
    """A record of each misplaced key, by partition and key."""

    def is_in_place(self, received: Received, event: Event) -> bool:
        owner = event.partition_key().encode()
        in_partition = received.partition.number == partition_of(owner, self.partitions)
        return in_partition and received.record.key == event.record_key().encode()

    def add(self, received: Received, envelope: Envelope[Event]) -> None:
        assert received.record.key is not None
        self.keys[received.partition.number, received.record.key] = received.record
        key = envelope.data.record_key()
        known = self.states.get(key)
        if known is None:
            self.states[key] = envelope
        elif known.entityversion <= envelope.entityversion:
            self.states[key] = replace(envelope, data=envelope.data.completed_by(known.data))

    def drop_superseded(self, received: Received, envelope: Envelope[Event]) -> None:
        key = envelope.data.record_key()
        known = self.states.get(key)
        if known and known.entityversion <= envelope.entityversion and self.is_in_place(received, envelope.data):
            del self.states[key]


async def settle(settings: KafkaSettings, topic: str) -> Settled:
    """Returns what was done; repeating it does nothing. Raises Unavailable."""
    found = _Misplaced((await partition_counts(settings, [topic]))[topic])
    async for received in read_topic(settings, topic):
        envelope = _decoded(received.record)
        if received.record.is_tombstone:
            found.keys.pop((received.partition.number, received.record.key or b""), None)
        elif envelope and not found.is_in_place(received, envelope.data):
            found.add(received, envelope)
    if not found.keys:
        return Settled(0, 0)
    async for received in read_topic(settings, topic):
        if envelope := _decoded(received.record):
            found.drop_superseded(received, envelope)
    states = [envelope for envelope in found.states.values() if not envelope.data.ends]
    try:
        async with AIOKafkaProducer(**connection_options(settings), acks="all", enable_idempotence=True) as producer:
            for envelope in states:
                record = replace(encode(envelope), topic=topic)
                await _send(producer, record, partition_of(record.partition_key or b"", found.partitions))
            for (partition, _), record in found.keys.items():
                await _send(producer, _without_end(tombstone(record)), partition)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka: {type(error).__name__}: {error}") from error
    return Settled(len(states), len(found.keys))


def _decoded(record: Record) -> Envelope[Event] | None:
    return None if record.key is None else decode_or_skip(record)


def _without_end(end: Record) -> Record:
    """A tombstone that says of nothing that it ended."""
    return replace(end, headers=tuple(header for header in end.headers if header[0] != "ce_endedby"))


async def _send(producer: Any, record: Record, partition: int) -> None:
    await producer.send_and_wait(record.topic, record.value, record.key, partition, headers=list(record.headers))
