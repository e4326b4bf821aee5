"""Creates and updates the cluster's topics from the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from aiokafka.admin import NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from photomesh_shared.errors import Unavailable
from photomesh_shared.events.catalogue import (
    COMPACTION_LAG,
    COMPACTION_LIMIT,
    COMPRESSION,
    DEAD_LETTER_RETENTION,
    DEAD_LETTER_RETENTION_BYTES,
    TOMBSTONE_RETENTION,
    Topic,
    dead_letter_topic,
    segment_ms,
)
from photomesh_shared.kafka.admin.client import open_admin
from photomesh_shared.kafka.reading import non_empty_topics
from photomesh_shared.settings import KafkaSettings

__all__ = ["TopicSpec", "apply_topics", "topic_settings", "topic_specs"]

_MAX_DEAD_LETTER_BYTES = 65_536  # on top of the record, for the `dlt_…` headers
_TOPIC_LEVEL = 1  # DescribeConfigs' source of values that were set on the topic itself
_NOT_COMPACTED = "is not compacted yet: it may hold records of an earlier contract (run `provision settle`)"
_PROPAGATION_SECONDS = 10.0


@dataclass(frozen=True)
class TopicSpec:
    """The desired state of a topic."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str] = field(default_factory=dict)


def topic_specs(
    topics: Iterable[Topic], replication: int, partitions: Mapping[str, int] | None = None
) -> list[TopicSpec]:
    """Return the catalogue's topics and the dead-letter topics of their consumers. `partitions` replaces the
    catalogue's numbers, by topic; `*` is for all others."""
    partitions = partitions or {}
    # With three replicas, a write needs two and survives the loss of either; with two, needing both would make every
    # restart of a broker an outage.
    safety = {"min.insync.replicas": str(max(1, replication - 1))}

    def main(topic: Topic) -> TopicSpec:
        count = partitions.get(topic.name, partitions.get("*", topic.partitions))
        return TopicSpec(topic.name, count, replication, {**topic_settings(topic), **safety})

    def dead_letters(topic: Topic, group: str) -> TopicSpec:
        settings = {
            "cleanup.policy": "delete",
            "retention.ms": _milliseconds(DEAD_LETTER_RETENTION),
            "segment.ms": str(segment_ms(DEAD_LETTER_RETENTION)),
            "retention.bytes": str(DEAD_LETTER_RETENTION_BYTES),
            "compression.type": COMPRESSION,
            "max.message.bytes": str(topic.max_record_bytes + _MAX_DEAD_LETTER_BYTES),
            **safety,
        }
        return TopicSpec(dead_letter_topic(topic.name, group), 1, replication, settings)

    return [spec for topic in topics for spec in (main(topic), *(dead_letters(topic, g) for g in topic.consumers))]


def topic_settings(topic: Topic) -> dict[str, str]:
    """Return the settings of a topic that do not depend on the cluster."""
    settings = {
        "cleanup.policy": topic.cleanup,
        "max.message.bytes": str(topic.max_record_bytes),
        "compression.type": COMPRESSION,
        "retention.ms": "-1" if topic.retention is None else _milliseconds(topic.retention),
        "segment.ms": str(topic.segment_ms),
        "retention.bytes": "-1" if topic.retention_bytes is None else str(topic.retention_bytes),
    }
    if topic.is_compacted:
        settings |= {
            "min.compaction.lag.ms": _milliseconds(COMPACTION_LAG),
            "max.compaction.lag.ms": _milliseconds(COMPACTION_LIMIT),
            "delete.retention.ms": _milliseconds(TOMBSTONE_RETENTION),
        }
    return settings


def _milliseconds(retention: timedelta) -> str:
    return str(retention // timedelta(milliseconds=1))


async def apply_topics(settings: KafkaSettings, specs: Iterable[TopicSpec], *, settled: bool = False) -> list[str]:
    """Create missing topics, add partitions and set differing options. Returns the changes made; idempotent.

    Never removes a topic or a partition, and keeps options that the catalogue does not define. Reassigning the replicas
    of existing topics is left to the operator. Raises Unavailable.

    Does not turn on compaction of a topic that holds records unless all are `settled`: their keys may be those of an
    earlier contract, under which one key has many things, and compaction would leave the latest record of one of them.
    """
    wanted = {spec.name: spec for spec in specs}
    try:
        async with open_admin(settings) as admin:
            done = await _create(admin, wanted)
            existing = await _wait_for(admin, wanted)
            done += await _add_partitions(admin, wanted, existing)
            uncompacted = {} if settled else await _uncompacted(settings, admin, wanted)
            done += await _set(admin, {**wanted, **uncompacted})
            return done + [f"{name}: {_NOT_COMPACTED}" for name in uncompacted]
    except (KafkaError, TimeoutError, OSError) as error:
        raise Unavailable(f"Kafka: {type(error).__name__}: {error}") from error


async def _uncompacted(settings: KafkaSettings, admin: Any, wanted: Mapping[str, TopicSpec]) -> dict[str, TopicSpec]:
    """Return the specs, without compaction, of topics that hold records and are not compacted yet."""
    compacted = [name for name, spec in wanted.items() if spec.settings["cleanup.policy"] == "compact"]
    policies = {name: entries["cleanup.policy"][0] for name, entries in (await _settings(admin, compacted)).items()}
    found = await non_empty_topics(settings, [name for name, policy in policies.items() if policy == "delete"])
    return {
        name: replace(wanted[name], settings={**wanted[name].settings, "cleanup.policy": "delete"})
        for name in sorted(found)
    }


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
    changes = []
    for name, entries in (await _settings(admin, wanted)).items():
        present = {key: value for key, (value, _) in entries.items()}
        drift = {key: value for key, value in wanted[name].settings.items() if present.get(key) != value}
        if drift:
            # AlterConfigs replaces all options of the topic, so options set elsewhere are sent along.
            ours = {key: value for key, (value, level) in entries.items() if level == _TOPIC_LEVEL}
            changes.append(ConfigResource(ConfigResourceType.TOPIC, name, {**ours, **wanted[name].settings}))
            done += [f"{name}: {key} {present.get(key)} → {value}" for key, value in drift.items()]
    if changes:
        for response in await admin.alter_configs(changes):
            for code, message, _, name in response.resources:
                if code:
                    raise for_code(code)(f"{name}: {message}")
    return done


async def _settings(admin: Any, topics: Iterable[str]) -> dict[str, dict[str, tuple[str, int]]]:
    """Return the value of each option of the topics, and the level at which it is set."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    found: dict[str, dict[str, tuple[str, int]]] = {}
    for response in await admin.describe_configs(resources) if resources else ():
        for code, message, _, name, entries in response.resources:
            if code:
                raise for_code(code)(f"{name}: {message}")
            found[name] = {entry[0]: (entry[1], entry[3]) for entry in entries}
    return found
