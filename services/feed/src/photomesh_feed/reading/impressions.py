"""What was seen: facts for whoever teaches a ranker or counts views. Nothing here reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from photomesh_feed.reading.metrics import IMPRESSIONS
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, ImpressionRecorded
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Impression", "Impressions"]

_OLDEST = timedelta(days=1)  # what an app that was offline may still tell


@dataclass(frozen=True)
class Impression:
    post_id: int
    position: int
    mode: str
    seen_at: datetime | None


class Impressions:
    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def record(self, account_id: int, seen: Sequence[Impression]) -> None:
        """Publishes an event for each. Whether the posts exist, or may be seen, is not looked at: an answer that told
        would tell strangers what is hidden. Raises PublishFailed."""
        now = self._clock.now()
        events = [
            ImpressionRecorded(
                account_id=account_id,
                post_id=one.post_id,
                position=one.position,
                mode=one.mode,
                seen_at=min(now, max(now - _OLDEST, one.seen_at)) if one.seen_at else now,
            )
            for one in seen
        ]
        await self._publisher.publish_many([Envelope.of(event, entityversion=1, time=now) for event in events])
        IMPRESSIONS.inc(len(events))
