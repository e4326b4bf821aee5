"""Provisioning: creates, widens and corrects topics, and may be repeated."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from photomesh_shared.kafka.admin import apply_topics, topic_specs
from tests.support.sample_events import sample_topic, unique_name


async def test_topics_become_what_the_catalogue_says_and_stay_so(bootstrap: str, admin: AIOKafkaAdminClient) -> None:
    topic = sample_topic(unique_name("provisioned"), "readers")
    specs = topic_specs([topic], replication=1)
    names = [topic.name, f"{topic.name}.readers.dlt"]
    try:
        assert await apply_topics(bootstrap, specs) == [f"created {name}" for name in names]
        assert await apply_topics(bootstrap, specs) == []

        changed = topic_specs([replace(topic, partitions=6, retention=timedelta(days=2))], replication=1)
        assert await apply_topics(bootstrap, changed) == [
            f"{topic.name}: 4 → 6 partitions",
            f"{topic.name}: retention.ms -1 → 172800000",
            f"{topic.name}: segment.ms 604800000 → 7200000",
        ]
        assert await apply_topics(bootstrap, changed) == []
    finally:
        await admin.delete_topics(names)


async def test_settings_of_others_are_left_alone(bootstrap: str, admin: AIOKafkaAdminClient) -> None:
    topic = sample_topic(unique_name("provisioned"), "readers")
    await admin.create_topics([NewTopic(topic.name, 4, 1, topic_configs={"segment.ms": "3600000"})])
    try:
        await apply_topics(bootstrap, topic_specs([topic], replication=1))
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
        present = {entry[0]: entry[1] for entry in response.resources[0][4]}
        assert present["segment.ms"] == "3600000"
        assert present["retention.ms"] == "-1"
    finally:
        await admin.delete_topics([topic.name, f"{topic.name}.readers.dlt"])
