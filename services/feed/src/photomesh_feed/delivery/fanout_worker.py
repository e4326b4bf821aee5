"""Executes fan-out tasks: one task, one call of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from photomesh_feed.delivery.metrics import FANOUT_SECONDS, FOLLOWERS
from photomesh_feed.domain.fanout import FanoutResult
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, FanoutRequested
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.failures import Invalid
from photomesh_shared.packed_ids import unpack

__all__ = ["FanoutStore", "FanoutWorker"]

BEFORE_INSERT = declare("feed.fanout.before_insert", "a task was taken, nothing is done")
AFTER_INSERT = declare("feed.fanout.after_insert", "a task's followers have the post, its offset is not committed")

_CONCURRENCY = 2  # one that Redis executes and one that waits for it: more would only delay reads


class FanoutStore(Protocol):
    async def fan_out(self, post_id: int, followers: Sequence[int], *, older_remain: bool) -> FanoutResult: ...


class FanoutWorker:
    def __init__(self, store: FanoutStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._slots = asyncio.Semaphore(_CONCURRENCY)

    async def execute(self, envelope: Envelope[FanoutRequested]) -> None:
        """Adds the post to the feeds that exist, unless it was deleted. Idempotent. Raises Unavailable, Invalid."""
        task = envelope.data
        try:
            followers = unpack(task.followers)
        except ValueError as error:
            raise Invalid("the packed followers end within an id") from error
        await failpoint(BEFORE_INSERT)
        async with self._slots:
            result = await self._store.fan_out(task.post_id, followers, older_remain=task.older_remain)
        await failpoint(AFTER_INSERT)
        if result.deleted:
            FOLLOWERS.labels("deleted").inc(len(followers))
            return
        FOLLOWERS.labels("inserted").inc(result.inserted)
        FOLLOWERS.labels("known").inc(result.active - result.inserted)
        FOLLOWERS.labels("inactive").inc(len(followers) - result.active)
        FANOUT_SECONDS.observe((self._clock.now() - envelope.time).total_seconds())
