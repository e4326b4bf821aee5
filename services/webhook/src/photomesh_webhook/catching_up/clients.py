"""What endpoints have missed, from Kafka."""

from __future__ import annotations

from photomesh_shared.events import Position, decode_or_skip
from photomesh_shared.kafka.reading import read_partition
from photomesh_shared.kafka.source import Partition, Received
from photomesh_shared.settings import KafkaSettings
from photomesh_webhook.catching_up.domain import Chunk, Cursor
from photomesh_webhook.matching.domain import Heard, Listener, heard

__all__ = ["KafkaTopics"]

_SECONDS = 3.0


class KafkaTopics:
    """Implements `service.Topics`."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings

    async def read(self, cursor: Cursor, listener: Listener, limit: int) -> Chunk:
        """Raises Unavailable. Most records of a partition are not for one endpoint: those are skipped here."""
        events: list[Heard] = []

        def wanted(received: Received) -> bool:
            event = _wanted(received, listener)
            if event is not None:
                events.append(event)
            return event is not None

        piece = await read_partition(
            self._settings,
            Partition(cursor.topic, cursor.partition),
            offset=cursor.next_offset,
            wanted=wanted,
            limit=limit,
            seconds=_SECONDS,
        )
        return Chunk(events, piece.next_offset, gap=piece.first_offset > cursor.next_offset)


def _wanted(received: Received, listener: Listener) -> Heard | None:
    record = received.record
    if record.header("ce_type") not in listener.types:
        return None
    envelope = decode_or_skip(record, Position(received.partition.number, received.offset, record.value or b""))
    event = heard(envelope) if envelope else None
    return event if event is not None and listener.wants(event) else None
