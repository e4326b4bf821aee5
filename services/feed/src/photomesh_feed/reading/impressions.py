"""Impressions: which posts people saw, for analysis and for training rankers. Feed itself keeps how many."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_feed.domain.pages import Mode
from photomesh_feed.errors import FeedsUnavailable
from photomesh_feed.reading.metrics import IMPRESSIONS
from photomesh_shared import events
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, ImpressionsRecorded
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Impression", "ImpressionCounter", "ImpressionLog"]

_MAX_AGE = timedelta(days=1)  # for apps that were offline


@dataclass(frozen=True)
class Impression:
    post_id: int
    position: int
    mode: Mode
    seen_at: datetime | None
    request_id: str | None = None
    dwell_ms: int | None = None


class ImpressionCounter(Protocol):
    """See `store.writer.FeedWriter`."""

    async def add_impressions(self, account_id: int, count: int) -> None: ...


class ImpressionLog:
    def __init__(self, publisher: Publisher, counter: ImpressionCounter, clock: Clock) -> None:
        self._publisher = publisher
        self._counter = counter
        self._clock = clock

    async def record(self, account_id: int, impressions: Sequence[Impression]) -> None:
        """Publishes one event for all, with each `seen_at` between a day ago and now. Does not check whether the posts
        exist or are visible: the answer would reveal what is hidden. Counts them, if Redis responds: accounts of which
        few are known are ranked without a model. Raises EventLogUnavailable."""
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
                    request_id=one.request_id,
                    dwell_ms=one.dwell_ms,
                )
                for one in impressions
            ),
        )
        await self._publisher.publish(Envelope.of(event, entityversion=1, time=now))
        IMPRESSIONS.inc(len(impressions))
        with suppress(FeedsUnavailable):
            await self._counter.add_impressions(account_id, len(impressions))
