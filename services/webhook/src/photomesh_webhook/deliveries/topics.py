"""The topics in which delivered events are. Adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime

from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import TOPICS
from photomesh_shared.kafka.reading.lookup import Place, offsets_since, record_at
from photomesh_shared.kafka.source import Partition
from photomesh_shared.settings import KafkaSettings
from photomesh_webhook.deliveries.service import Since
from photomesh_webhook.errors import EventsUnavailable

__all__ = ["EventTopics"]

_SECONDS = 8.0
"""Below the time-out of the gateway's requests."""


class EventTopics:
    """Implements `service.Topics`. Every method raises EventsUnavailable."""

    def __init__(self, settings: KafkaSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    async def body_at(self, topic: str, partition: int, offset: int, event_id: str) -> bytes | None:
        """Return the event's value; None if the topic does not have it any more."""
        try:
            async with asyncio.timeout(_SECONDS):
                found = await record_at(self._settings, Partition(topic, partition), offset)
        except (Unavailable, TimeoutError) as error:
            raise EventsUnavailable from error
        if found is None or found.record.header("ce_id") != event_id:
            return None
        return found.record.value

    async def offsets_since(self, topics: Collection[str], since: datetime) -> Since:
        try:
            async with asyncio.timeout(_SECONDS):
                places = await offsets_since(self._settings, topics, since)
        except (Unavailable, TimeoutError) as error:
            raise EventsUnavailable from error
        return Since(
            {partition: place.offset for partition, place in places.items()},
            gap=any(self._is_gap(partition.topic, place, since) for partition, place in places.items()),
        )

    def _is_gap(self, topic: str, place: Place, since: datetime) -> bool:
        """Whether a topic may have had more since then: records before its first are gone. If it has none since then,
        those that it had are older than it keeps any, unless the time is older, too."""
        if place.offset > place.first_offset or place.first_offset == 0:
            return False
        retention = TOPICS[topic].retention
        return place.offset < place.end_offset or (retention is not None and since < self._clock.now() - retention)
