"""Has Kafka compact now what it would compact within weeks, as on the native stack its files can be asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from photomesh_shared.events.envelope import TOMBSTONE_TYPE
from photomesh_shared.kafka.admin.client import open_admin
from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.settings import KafkaSettings
from tests.support.waiting import eventually

__all__ = ["compact"]

_BROKER = "1"
_OFTEN = {"log.cleaner.backoff.ms": "200"}
_AT_ONCE = {
    "min.cleanable.dirty.ratio": "0",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1",
    "delete.retention.ms": "0",
    "segment.ms": "1",
}
_PASSES = 2
"""The first dates tombstones, the second removes those that are due."""
_SET_ON_TOPIC = 1  # DescribeConfigs' source of values that were set on the topic itself


async def compact(kafka: KafkaSettings, data: Path, partitions: Collection[TopicPartition]) -> None:
    """Return once everything in these partitions is compacted. `data` is the broker's folder of logs.

    A segment is compacted only when it is closed, and it is closed by a record: each partition gets a tombstone whose
    key nothing else has.
    """
    async with _short_settings(kafka, {partition.topic for partition in partitions}):
        for _ in range(_PASSES):
            ends = await _close_segments(kafka, partitions)

            async def uncleaned(ends: Mapping[TopicPartition, int] = ends) -> list[TopicPartition]:
                cleaned = _checkpoint(data)
                return [partition for partition, end in ends.items() if cleaned.get(partition, 0) < end]

            await eventually(uncleaned, until=lambda found: not found, within=60, every=0.1)


@asynccontextmanager
async def _short_settings(kafka: KafkaSettings, topics: Collection[str]) -> AsyncIterator[None]:
    async with open_admin(kafka) as admin:
        own = await _own_settings(admin, topics)
        await _set(admin, {name: {**settings, **_AT_ONCE} for name, settings in own.items()}, _OFTEN)
        try:
            yield
        finally:
            await _set(admin, own, {})


async def _own_settings(admin: Any, topics: Collection[str]) -> dict[str, dict[str, str]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    return {
        name: {entry[0]: entry[1] for entry in entries if entry[3] == _SET_ON_TOPIC}
        for response in await admin.describe_configs(resources)
        for _, _, _, name, entries in response.resources
    }


async def _set(admin: Any, topics: Mapping[str, Mapping[str, str]], broker: Mapping[str, str]) -> None:
    """AlterConfigs replaces all settings of a resource."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, dict(settings)) for name, settings in topics.items()]
    resources.append(ConfigResource(ConfigResourceType.BROKER, _BROKER, dict(broker)))
    for response in await admin.alter_configs(resources):
        for code, message, _, name in response.resources:
            assert code == 0, f"{name}: {message}"


async def _close_segments(kafka: KafkaSettings, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Write a record to each partition; its offset, before which everything is now in closed segments."""
    headers = [("ce_type", TOMBSTONE_TYPE.encode()), ("ce_entityversion", b"1")]  # subscribers read it as any other
    async with AIOKafkaProducer(**connection_options(kafka), acks="all") as producer:
        return {
            partition: (
                await producer.send_and_wait(partition.topic, None, b"compaction", partition.partition, headers=headers)
            ).offset
            for partition in sorted(partitions)
        }


def _checkpoint(data: Path) -> dict[TopicPartition, int]:
    """Up to where each partition is compacted."""
    lines = (data / "cleaner-offset-checkpoint").read_text().splitlines()[2:]  # after a version and a number of lines
    return {TopicPartition(name, int(number)): int(end) for name, number, end in map(str.split, lines)}
