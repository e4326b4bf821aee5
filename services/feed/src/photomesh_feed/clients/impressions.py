"""The account's records in the topic `impressions`, which feed publishes and keeps nowhere else."""

from __future__ import annotations

from photomesh_feed.domain.exports import SeenPage
from photomesh_shared import ids
from photomesh_shared.events import ImpressionsRecorded, decode_or_skip
from photomesh_shared.kafka.reading import search_partition
from photomesh_shared.settings import KafkaSettings

__all__ = ["ImpressionRecords"]

_LIMIT = 5_000
_SECONDS = 2.0


class ImpressionRecords:
    """Implements `reading.exports.ImpressionSource`."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka

    async def impressions(self, account_id: int, offset: int) -> SeenPage:
        """Search the topic from an offset on. Raises Unavailable."""
        owner = ids.encode("u", account_id).encode()
        found, next_offset = await search_partition(
            self._kafka,
            ImpressionsRecorded.topic,
            owner,
            offset=offset,
            wanted=lambda one: one.record.key == owner and one.record.value is not None,
            limit=_LIMIT,
            seconds=_SECONDS,
        )
        events = [decode_or_skip(one.record) for one in found]
        return SeenPage([event.data for event in events if event], next_offset)
