"""The topics in which delivered events are. Adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import datetime

from photomesh_shared.errors import Unavailable
from photomesh_shared.kafka.reading.lookup import offsets_since, record_at
from photomesh_shared.kafka.source import Partition
from photomesh_shared.settings import KafkaSettings
from photomesh_webhook.errors import EventsUnavailable

__all__ = ["EventTopics"]

_SECONDS = 8.0
"""Below the time-out of the gateway's requests."""


class EventTopics:
    """Implements `service.Topics`. Every method raises EventsUnavailable."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

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

    async def offsets_since(self, topics: Collection[str], since: datetime) -> dict[Partition, int]:
        try:
            async with asyncio.timeout(_SECONDS):
                return await offsets_since(self._settings, topics, since)
        except (Unavailable, TimeoutError) as error:
            raise EventsUnavailable from error
