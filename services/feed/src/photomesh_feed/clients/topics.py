"""An account's records in topics that feed publishes and keeps nowhere else."""

from __future__ import annotations

from photomesh_feed.domain.exports import SeenPage
from photomesh_shared import ids
from photomesh_shared.events import Event, decode_or_skip
from photomesh_shared.kafka.reading import search_partition
from photomesh_shared.settings import KafkaSettings

__all__ = ["TopicRecords"]

_LIMIT = 5_000
_SECONDS = 2.0


class TopicRecords:
    """Implements `reading.exports.AccountRecords`."""

    def __init__(self, kafka: KafkaSettings, kind: type[Event]) -> None:
        self._kafka = kafka
        self._topic = kind.topic

    async def records(self, account_id: int, offset: int) -> SeenPage:
        """Search the topic from an offset on. Raises Unavailable."""
        owner = ids.encode("u", account_id).encode()
        found, next_offset = await search_partition(
            self._kafka,
            self._topic,
            owner,
            offset=offset,
            wanted=lambda one: one.record.key == owner and one.record.value is not None,
            limit=_LIMIT,
            seconds=_SECONDS,
        )
        events = [decode_or_skip(one.record) for one in found]
        return SeenPage([event.data for event in events if event], next_offset)
