"""Consumer groups in tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import OffsetAndMetadata

from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.settings import KafkaSettings
from tests.support.waiting import eventually

__all__ = ["forget_members", "rewind", "skip_to_end"]


async def forget_members(kafka: KafkaSettings, group: str) -> None:
    """Has all members leave, on their behalf.

    After a SIGKILL the broker would wait out the session (30 s) before others get the partitions; a test that kills a
    consumer at every step has no need to.
    """
    admin = AIOKafkaAdminClient(**connection_options(kafka))
    await admin.start()
    try:
        coordinator = await _coordinator(admin, group)
        (description,) = await admin.describe_consumer_groups([group], coordinator)
        for member in (member for found in description.groups for member in found[5]):
            await admin._send_request(LeaveGroupRequest(group, member[0]), coordinator)
    finally:
        await admin.close()


async def _coordinator(admin: AIOKafkaAdminClient, group: str) -> int:
    """The broker that has the group; none has for some seconds after Kafka started."""

    async def look() -> int | None:
        try:
            found: int = await admin.find_coordinator(group)
        except GroupCoordinatorNotAvailableError:
            return None
        return found

    coordinator = await eventually(look, until=lambda found: found is not None)
    assert coordinator is not None
    return coordinator


async def skip_to_end(
    kafka: KafkaSettings, group: str, topics: Collection[str]
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Has a group begin behind what the topics hold now, of which other tests wrote most. What is left of members that
    were killed is forgotten. Returns where it begins."""
    await forget_members(kafka, group)
    consumer = AIOKafkaConsumer(**connection_options(kafka), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in await consumer._client._wait_on_metadata(topic)
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.commit(ends)
    finally:
        await consumer.stop()
    return {partition: OffsetAndMetadata(offset, "") for partition, offset in ends.items()}


async def rewind(kafka: KafkaSettings, group: str, to: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
    """Has a group whose members are gone, or were killed, begin there once more."""
    await forget_members(kafka, group)
    consumer = AIOKafkaConsumer(**connection_options(kafka), group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(list(to))
        await consumer.commit(dict(to))
    finally:
        await consumer.stop()
