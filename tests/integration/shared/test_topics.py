"""Provisioning: creates, widens and corrects topics, and may be repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from photomesh_shared.events import Record
from photomesh_shared.kafka.admin.topics import apply_topics, topic_specs
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.settings import KafkaSettings
from tests.support.sample_events import sample_topic, unique_name


async def test_topics_become_what_the_catalogue_says_and_stay_so(
    kafka: KafkaSettings, admin: AIOKafkaAdminClient
) -> None:
    topic = sample_topic(unique_name("provisioned"), "readers")
    specs = topic_specs([topic], replication=1)
    names = [topic.name, f"{topic.name}.readers.dlt"]
    try:
        assert await apply_topics(kafka, specs) == [f"created {name}" for name in names]
        assert await apply_topics(kafka, specs) == []

        changed = topic_specs([replace(topic, partitions=6, retention=timedelta(days=2))], replication=1)
        assert await apply_topics(kafka, changed) == [
            f"{topic.name}: 4 → 6 partitions",
            f"{topic.name}: retention.ms 86400000 → 172800000",
            f"{topic.name}: segment.ms 3600000 → 7200000",
        ]
        assert await apply_topics(kafka, changed) == []
    finally:
        await admin.delete_topics(names)


async def test_settings_of_others_are_left_alone(kafka: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    topic = sample_topic(unique_name("provisioned"), "readers")
    await admin.create_topics([NewTopic(topic.name, 4, 1, topic_configs={"segment.ms": "3600000"})])
    try:
        await apply_topics(kafka, topic_specs([topic], replication=1))
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
        present = {entry[0]: entry[1] for entry in response.resources[0][4]}
        assert present["segment.ms"] == "3600000"
        assert present["retention.ms"] == "86400000"
    finally:
        await admin.delete_topics([topic.name, f"{topic.name}.readers.dlt"])


async def test_a_topic_that_holds_records_is_not_compacted(kafka: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    """Their keys may be those of an earlier contract: an account for all its posts, of which one would be left."""
    events = sample_topic(unique_name("provisioned"), "readers")
    states = replace(events, cleanup="compact", retention=None, retention_bytes=None)
    names = [events.name, f"{events.name}.readers.dlt"]

    async def policy() -> str:
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, events.name)])
        return str({entry[0]: entry[1] for entry in response.resources[0][4]}["cleanup.policy"])

    try:
        await apply_topics(kafka, topic_specs([events], replication=1))
        async with open_publisher(kafka, "tests") as publisher:
            await publisher.send([Record(events.name, b"ann", b"{}")])
        done = await apply_topics(kafka, topic_specs([states], replication=1))
        assert any("not compacted yet" in line for line in done)
        assert await policy() == "delete"
    finally:
        await admin.delete_topics(names)


async def test_an_empty_topic_is_compacted(kafka: KafkaSettings, admin: AIOKafkaAdminClient) -> None:
    events = sample_topic(unique_name("provisioned"), "readers")
    states = replace(events, cleanup="compact", retention=None, retention_bytes=None)
    try:
        await apply_topics(kafka, topic_specs([events], replication=1))
        assert f"{events.name}: cleanup.policy delete → compact" in await apply_topics(
            kafka, topic_specs([states], replication=1)
        )
        assert await apply_topics(kafka, topic_specs([states], replication=1)) == []
    finally:
        await admin.delete_topics([events.name, f"{events.name}.readers.dlt"])
