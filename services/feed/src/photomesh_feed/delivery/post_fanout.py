"""Starts the fan-out of a published post, or defers it while social-graph does not answer.

A record that waited for social-graph would hold its partition, and with it the deletions behind it. What is deferred is
in Redis alone: if that is lost, so are the feeds, and a feed that is built again has the post.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_feed.delivery.fanout_planner import FanoutPlanner
from photomesh_feed.delivery.metrics import DEFERRED
from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.domain.fanout import DeferredFanout
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.backoff import Backoff
from photomesh_shared.errors import Unavailable
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["DeferredFanouts", "PostFanout"]

log = logging.getLogger(__name__)

AFTER_DEFERRED = declare("feed.deferred.after_tasks", "a deferred fan-out has its tasks, and is still deferred")

MAX_DEFERRED = 100_000  # 6 MB; beyond it, publications wait in their partitions
_CHUNK = 16
_TAKEN = timedelta(minutes=2)  # then another process does what one that died has taken
_POLL_SECONDS = 2.0
_AWAY_SECONDS = 5.0
_BACKOFF = Backoff(base=1.0, cap=15.0)


class DeferredFanouts(Protocol):
    """See `store.deferred.RedisDeferredFanouts`."""

    async def add(self, fanout: DeferredFanout, due: datetime) -> None: ...
    async def take(self, now: datetime, until: datetime, limit: int) -> Sequence[DeferredFanout]: ...
    async def remove(self, fanout: DeferredFanout) -> None: ...
    async def count(self) -> int: ...


class PostFanout:
    def __init__(self, deferred: DeferredFanouts, popularity: Popularity, planner: FanoutPlanner, clock: Clock) -> None:
        self._deferred = deferred
        self._popularity = popularity
        self._planner = planner
        self._clock = clock
        self._failed_at = -math.inf

    async def fan_out(self, post_id: int, author_id: int, at: datetime) -> None:
        """Publishes the tasks of a post that was published at `at`, if its author's posts are pushed; or does so later.
        Raises Unavailable if it can do neither."""
        fanout = DeferredFanout(post_id, author_id, at)
        if self._clock.monotonic() - self._failed_at < _AWAY_SECONDS:
            await self._defer(fanout)  # nobody waits for the same time-out again
            return
        try:
            await self._plan(fanout)
        except Unavailable as error:
            self._failed_at = self._clock.monotonic()
            log.warning("a fan-out is deferred", extra={"author_id": author_id, "reason": str(error)})
            await self._defer(fanout)

    async def run(self) -> None:
        """Does what was deferred. Never returns."""
        failures = 0
        while True:
            try:
                await self.run_once()
                failures = 0
            except Unavailable as error:
                failures += 1
                log.warning("deferred fan-outs wait", extra={"reason": str(error)})
            await self._clock.sleep(_BACKOFF.delay(failures) if failures else _POLL_SECONDS)

    async def run_once(self) -> None:
        """Does all that is due. Raises Unavailable at the first that cannot be done."""
        while True:
            DEFERRED.set(await self._deferred.count())
            now = self._clock.now()
            taken = await self._deferred.take(now, now + _TAKEN, _CHUNK)
            if not taken:
                return
            for number, fanout in enumerate(taken):
                try:
                    await self._plan(fanout)
                except Unavailable:
                    for left in taken[number:]:
                        await self._deferred.add(left, now)
                    raise
                await failpoint(AFTER_DEFERRED)
                await self._deferred.remove(fanout)

    async def _plan(self, fanout: DeferredFanout) -> None:
        if await self._popularity.is_pushed(fanout.author_id):
            await self._planner.plan(fanout.author_id, [fanout.post_id], cause="published", at=fanout.at)

    async def _defer(self, fanout: DeferredFanout) -> None:
        if await self._deferred.count() >= MAX_DEFERRED:
            raise Unavailable("Too many fan-outs are deferred.")
        await self._deferred.add(fanout, self._clock.now())
