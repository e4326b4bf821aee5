"""Impressions: which posts people saw, for analysis and for training rankers. Feed itself does not read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from photomesh_feed.domain.pages import Mode
from photomesh_feed.reading.metrics import IMPRESSIONS
from photomesh_shared import events
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, ImpressionsRecorded
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Impression", "ImpressionLog"]

_MAX_AGE = timedelta(days=1)  # for apps that were offline


@dataclass(frozen=True)
class Impression:
    post_id: int
    position: int
    mode: Mode
    seen_at: datetime | None


class ImpressionLog:
    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock

    async def record(self, account_id: int, impressions: Sequence[Impression]) -> None:
        """Publishes one event for all, with each `seen_at` between a day ago and now. Does not check whether the posts
        exist or are visible: the answer would reveal what is hidden. Raises EventLogUnavailable."""
        now = self._clock.now()
        event = ImpressionsRecorded(
            account_id=account_id,
            recorded_at=now,
            impressions=tuple(
                events.Impression(
                    post_id=one.post_id,
                    position=one.position,
                    mode=one.mode,
                    seen_at=min(now, max(now - _MAX_AGE, one.seen_at)) if one.seen_at else now,
                )
                for one in impressions
            ),
        )
        await self._publisher.publish(Envelope.of(event, entityversion=1, time=now))
        IMPRESSIONS.inc(len(impressions))
