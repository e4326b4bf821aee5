"""Creates and updates the cluster's topics from the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from photomesh_shared.errors import Unavailable
from photomesh_shared.events.catalogue import DEAD_LETTER_RETENTION, Topic, dead_letter_topic, segment_ms

__all__ = ["TopicSpec", "apply_topics", "topic_specs"]

_MAX_DEAD_LETTER_BYTES = 65_536  # on top of the record, for the `dlt_…` headers
_TOPIC_LEVEL = 1  # DescribeConfigs' source of values that were set on the topic itself
_PROPAGATION_SECONDS = 10.0


@dataclass(frozen=True)
class TopicSpec:
    """The desired state of a topic."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str] = field(default_factory=dict)


def topic_specs(topics: Iterable[Topic], replication: int) -> list[TopicSpec]:
    """Return the catalogue's topics and the dead-letter topics of their consumers."""
    # With three replicas, a write needs two and survives the loss of either; with two, needing both would make every
    # restart of a broker an outage.
    safety = {"min.insync.replicas": str(max(1, replication - 1))}

    def main(topic: Topic) -> TopicSpec:
        settings = {
            "cleanup.policy": topic.cleanup,
            "retention.ms": str(topic.retention_ms),
            "max.message.bytes": str(topic.max_record_bytes),
            **safety,
        }
        if topic.segment_ms is not None:
            settings["segment.ms"] = str(topic.segment_ms)
        if topic.cleanup == "compact":
            # A subscriber with a lag of up to a day sees every event; with more, the latest of each key.
            settings["min.compaction.lag.ms"] = _milliseconds(timedelta(days=1))
        return TopicSpec(topic.name, topic.partitions, replication, settings)

    def dead_letters(topic: Topic, group: str) -> TopicSpec:
        settings = {
            "cleanup.policy": "delete",
            "retention.ms": _milliseconds(DEAD_LETTER_RETENTION),
            "segment.ms": str(segment_ms(DEAD_LETTER_RETENTION)),
            "max.message.bytes": str(topic.max_record_bytes + _MAX_DEAD_LETTER_BYTES),
            **safety,
        }
        return TopicSpec(dead_letter_topic(topic.name, group), 1, replication, settings)

    return [spec for topic in topics for spec in (main(topic), *(dead_letters(topic, g) for g in topic.consumers))]


def _milliseconds(retention: timedelta) -> str:
    return str(retention // timedelta(milliseconds=1))


async def apply_topics(bootstrap: str, specs: Iterable[TopicSpec]) -> list[str]:
    """Create missing topics, add partitions and set differing options. Returns the changes made; idempotent.

    Never removes a topic or a partition, and keeps options that the catalogue does not define. Reassigning the replicas
    of existing topics is left to the operator. Raises Unavailable.
    """
    wanted = {spec.name: spec for spec in specs}
    try:
        async with _admin(bootstrap) as admin:
            done = await _create(admin, wanted)
            existing = await _wait_for(admin, wanted)
            done += await _add_partitions(admin, wanted, existing)
            done += await _set(admin, wanted)
            return done
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"Kafka: {type(error).__name__}: {error}") from error


async def _create(admin: Any, wanted: Mapping[str, TopicSpec]) -> list[str]:
    missing = [wanted[name] for name, partitions in (await _partitions(admin, wanted)).items() if not partitions]
    if not missing:
        return []
    response = await admin.create_topics(
        [NewTopic(spec.name, spec.partitions, spec.replication, topic_configs=dict(spec.settings)) for spec in missing]
    )
    for topic, code, message in response.topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):  # provisioned concurrently
            raise for_code(code)(f"{topic}: {message}")
    return [f"created {spec.name}" for spec in missing]


async def _wait_for(admin: Any, wanted: Mapping[str, TopicSpec]) -> Mapping[str, int]:
    """Wait until the brokers' metadata includes new topics. Returns the partition counts."""
    async with asyncio.timeout(_PROPAGATION_SECONDS):
        while True:
            existing = await _partitions(admin, wanted)
            if all(existing.values()):
                return existing
            await asyncio.sleep(0.05)


async def _partitions(admin: Any, wanted: Iterable[str]) -> dict[str, int]:
    """Return the partition count of each topic; 0 if it does not exist."""
    described = await admin.describe_topics(list(wanted))
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _add_partitions(admin: Any, wanted: Mapping[str, TopicSpec], existing: Mapping[str, int]) -> list[str]:
    short = {name: spec.partitions for name, spec in wanted.items() if existing[name] < spec.partitions}
    if short:
        await admin.create_partitions({name: NewPartitions(count) for name, count in short.items()})
    return [f"{name}: {existing[name]} → {count} partitions" for name, count in short.items()]


async def _set(admin: Any, wanted: Mapping[str, TopicSpec]) -> list[str]:
    done = []
    responses = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in wanted])
    changes = []
    for code, message, _, name, entries in (row for response in responses for row in response.resources):
        if code:
            raise for_code(code)(f"{name}: {message}")
        present = {entry[0]: entry[1] for entry in entries}
        drift = {key: value for key, value in wanted[name].settings.items() if present.get(key) != value}
        if drift:
            # AlterConfigs replaces all options of the topic, so options set elsewhere are sent along.
            ours = {entry[0]: entry[1] for entry in entries if entry[3] == _TOPIC_LEVEL}
            changes.append(ConfigResource(ConfigResourceType.TOPIC, name, {**ours, **wanted[name].settings}))
            done += [f"{name}: {key} {present.get(key)} → {value}" for key, value in drift.items()]
    if changes:
        for response in await admin.alter_configs(changes):
            for code, message, _, name in response.resources:
                if code:
                    raise for_code(code)(f"{name}: {message}")
    return done


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=15_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
