"""Records of an earlier contract, and of fewer partitions, are moved to where the contract has them."""

from __future__ import annotations

from dataclasses import replace

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from photomesh_shared.events import (
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostPublished,
    Record,
    decode,
    encode,
)
from photomesh_shared.kafka.admin.settling import settle
from photomesh_shared.kafka.admin.topics import apply_topics, topic_specs
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.kafka.reading import read_topic
from photomesh_shared.kafka.source import Received
from photomesh_shared.settings import KafkaSettings
from tests.support.sample_events import sample_topic, unique_name


async def compacted(kafka: KafkaSettings, topic: str) -> list[Received]:
    """What compaction leaves: the latest record of each key of each partition, and no tombstones."""
    latest: dict[tuple[int, bytes | None], Received] = {}
    async for received in read_topic(kafka, topic):
        latest[received.partition.number, received.record.key] = received
    return [received for received in latest.values() if not received.record.is_tombstone]


def states(records: list[Received]) -> dict[str, Event]:
    return {envelope.data.record_key(): envelope.data for envelope in (decode(r.record) for r in records)}


async def test_records_keyed_by_their_owner_are_moved(kafka: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    created, published, edited = PostCreated.example(), PostPublished.example(), PostEdited.example()
    partial = PostEdited.model_validate_json(  # as edits were
        edited.model_dump_json(exclude={"created_at", "published_at", "photos", "reason"})
    )
    other = created.model_copy(update={"post_id": created.post_id + 1})
    gone = created.model_copy(update={"post_id": created.post_id + 2})
    deleted = PostDeleted.example().model_copy(update={"post_id": gone.post_id})
    events = [(created, 1), (published, 2), (partial, 3), (other, 1), (gone, 1), (deleted, 2)]

    topic = sample_topic(unique_name("settled"), "readers")
    await apply_topics(kafka, topic_specs([topic], replication=1))
    try:
        async with AIOKafkaProducer(**connection_options(kafka)) as producer:
            for event, version in events:
                record = encode(Envelope.of(event, entityversion=version))
                headers = [header for header in record.headers if header[0] != "ce_partitionkey"]
                await producer.send_and_wait(topic.name, record.value, event.partition_key().encode(), headers=headers)
        assert len(await compacted(kafka, topic.name)) == 1  # what turning compaction on would have left

        assert await settle(kafka, topic.name) == (2, 1)
        left = await compacted(kafka, topic.name)
        assert states(left) == {edited.record_key(): edited, other.record_key(): other}
        assert {decode(received.record).entityversion for received in left} == {1, 3}
        assert await settle(kafka, topic.name) == (0, 0)
    finally:
        await admin.delete_topics([topic.name, f"{topic.name}.readers.dlt"])


async def test_owners_move_when_a_topic_grows(kafka: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    topic = sample_topic(unique_name("settled"), "readers")
    await apply_topics(kafka, topic_specs([topic], replication=1))

    def follow(follower: int, version: int, *, ends: bool = False) -> Record:
        example = FollowDeleted.example() if ends else FollowCreated.example()
        event = example.model_copy(update={"follower_id": follower})
        return replace(encode(Envelope.of(event, entityversion=version)), topic=topic.name)

    try:
        async with open_publisher(kafka, "tests") as publisher:
            await publisher.send([follow(n, 1) for n in range(1, 25)])
        await apply_topics(kafka, topic_specs([replace(topic, partitions=12)], replication=1))
        async with open_publisher(kafka, "tests") as publisher:
            await publisher.send([follow(n, 2, ends=True) for n in range(1, 9)])
            await publisher.send([follow(n, 2) for n in range(9, 17)])

        moved, removed = await settle(kafka, topic.name)
        assert 0 < moved < removed
        left = await compacted(kafka, topic.name)
        found = {decode(received.record).data.record_key(): received for received in left}
        assert len(found) == len(left) == 16  # each once, and none that ended
        for received in left:
            owner = received.record.partition_key
            assert received.partition.number == partition_of(owner or b"", 12)
    finally:
        await admin.delete_topics([topic.name, f"{topic.name}.readers.dlt"])
