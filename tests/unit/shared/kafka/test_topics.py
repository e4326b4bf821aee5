"""The catalogue as a cluster should have it."""

from __future__ import annotations

import pytest

from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS, dead_letter_topic
from photomesh_shared.kafka.admin.topics import apply_topics, topic_specs
from tests.support.kafka import NO_KAFKA
from tests.support.sample_events import sample_topic


def test_every_consumer_of_a_topic_has_a_dead_letter_topic_with_room_for_the_reason() -> None:
    specs = {spec.name: spec for spec in topic_specs(TOPICS.values(), replication=1)}
    for topic in TOPICS.values():
        for group in topic.consumers:
            letters = specs[dead_letter_topic(topic.name, group)]
            assert int(letters.settings["max.message.bytes"]) > topic.max_record_bytes


def test_replication_decides_how_many_replicas_a_write_needs() -> None:
    topic = sample_topic("samples", "readers")
    needed = {n: topic_specs([topic], n)[0].settings["min.insync.replicas"] for n in (1, 2, 3)}
    assert needed == {1: "1", 2: "1", 3: "2"}


def test_records_do_not_outlive_their_retention_by_much() -> None:
    """Kafka deletes closed segments only, and by its default a segment stays open for a week."""
    hour = 3_600_000
    for spec in topic_specs(TOPICS.values(), replication=1):
        retention = int(spec.settings["retention.ms"])
        if spec.settings["cleanup.policy"] == "delete" and retention > 0:
            assert hour <= int(spec.settings["segment.ms"]) <= max(hour, retention // 24), spec.name


async def test_no_kafka_is_a_dependency_that_is_down() -> None:
    with pytest.raises(Unavailable):
        await apply_topics(
            NO_KAFKA,
            topic_specs([sample_topic("samples", "readers")], 1),
        )
