"""What ranked feeds served, for training rankers: published without anybody waiting for it.

A record that Kafka does not take in time is dropped, and so are those beyond a queue or of an account that makes
orders one after another: a model learns from the rest as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from photomesh_feed.ranking.exploration import Coin
from photomesh_feed.ranking.features import Features
from photomesh_feed.reading.metrics import SERVED_DROPPED, SERVED_RECORDED
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.events import Envelope, FeedServed
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.packed_ids import pack
from photomesh_shared.ranking.features import FEATURE_SCHEMA, pack_features

__all__ = ["NotRecorded", "Served", "ServedLog", "ServedRecorder"]

log = logging.getLogger(__name__)

RECORDED_POSITIONS = 60
"""Deeper posts are rarely seen, and would make a record three times as large."""
_QUEUE = 1_000
_BATCH = 100
_ACCOUNT_SECONDS = 10
"""A record of an account at most so often in each process: readers can make an order with every request."""
_ACCOUNTS = 10_000


class Served(NamedTuple):
    """An order that was made."""

    viewer: int
    request_id: str
    model: str
    order: Sequence[int]
    """Post ids, the first position first, with suggested ones."""
    made: Mapping[int, tuple[int, Features]]
    """Author and features of each post that was ranked: those that are not suggested."""
    known_impressions: int
    coin: Coin | None


class ServedRecorder(Protocol):
    def record(self, served: Served) -> None:
        """Returns at once, and never raises."""
        ...


class NotRecorded:
    """A recorder for tests and tools."""

    def record(self, served: Served) -> None:
        return


class ServedLog:
    """Use `open()`."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._queue: asyncio.Queue[FeedServed] = asyncio.Queue(_QUEUE)
        self._recorded_at: OrderedDict[int, float] = OrderedDict()

    @classmethod
    @asynccontextmanager
    async def open(cls, publisher: Publisher, clock: Clock) -> AsyncIterator[ServedLog]:
        """Publishes in the background; what waits at the end is given up."""
        opened = cls(publisher, clock)
        async with in_background("records of what was served", opened.publish_forever, clock):
            yield opened

    def record(self, served: Served) -> None:
        now = self._clock.monotonic()
        before = self._recorded_at.pop(served.viewer, None)
        if before is not None and now - before < _ACCOUNT_SECONDS:
            self._recorded_at[served.viewer] = before
            SERVED_DROPPED.labels("repeated").inc()
            return
        if self._queue.full():
            SERVED_DROPPED.labels("queue").inc()
            return
        self._recorded_at[served.viewer] = now
        if len(self._recorded_at) > _ACCOUNTS:
            self._recorded_at.popitem(last=False)
        served_posts = served.order[:RECORDED_POSITIONS]
        posts = [post for post in served_posts if post in served.made]
        suggested = [(position, post) for position, post in enumerate(served_posts) if post not in served.made]
        coin = served.coin if served.coin and served.coin.position + 1 < len(served_posts) else None
        if coin:
            before = sum(position < coin.position for position, _ in suggested)
            coin = coin._replace(position=coin.position - before)
        self._queue.put_nowait(
            FeedServed(
                account_id=served.viewer,
                request_id=served.request_id,
                served_at=self._clock.now(),
                surface="home",
                model=served.model,
                feature_schema=FEATURE_SCHEMA,
                post_ids=pack(posts),
                author_ids=pack(served.made[post][0] for post in posts),
                features=pack_features([served.made[post][1] for post in posts]),
                known_impressions=served.known_impressions,
                swap_position=coin.position if coin else None,
                swapped=coin.swapped if coin else False,
                suggested_ids=pack(post for _, post in suggested),
                suggested_positions=tuple(position for position, _ in suggested),
            )
        )

    async def publish_forever(self) -> None:
        while True:
            await self.publish_next()

    async def publish_next(self) -> None:
        """Waits for records and publishes those that are there, in one batch."""
        events = [await self._queue.get()]
        while len(events) < _BATCH and not self._queue.empty():
            events.append(self._queue.get_nowait())
        try:
            await self._publisher.publish_many(
                [Envelope.of(event, entityversion=1, time=event.served_at) for event in events]
            )
        except EventLogUnavailable as error:
            SERVED_DROPPED.labels("kafka").inc(len(events))
            log.info("records of what was served are dropped", extra={"reason": error.detail, "records": len(events)})
        else:
            SERVED_RECORDED.inc(len(events))
