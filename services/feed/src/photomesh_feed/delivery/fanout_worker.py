"""The use case of the fan-out: one task, one call of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from photomesh_feed.delivery.metrics import FANOUT_SECONDS, INSERTED
from photomesh_feed.store.writer import Pushed
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, FanoutRequested
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.failures import Invalid
from photomesh_shared.packed_ids import unpack

__all__ = ["Inserting", "Store"]

BEFORE_INSERT = declare("feed.fanout.before_insert", "a task was taken, nothing is done")
AFTER_INSERT = declare("feed.fanout.after_insert", "a task's followers have the post, its offset is not committed")

_AT_ONCE = 2  # one that Redis works on and one that waits for it: more would only delay what readers ask


class Store(Protocol):
    async def fan_out(self, post_id: int, followers: Sequence[int], *, older_remain: bool) -> Pushed: ...


class Inserting:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def insert(self, envelope: Envelope[FanoutRequested]) -> None:
        """Puts the post into the feeds that exist, unless it was deleted. Raises DependencyDown."""
        task = envelope.data
        try:
            followers = unpack(task.followers)
        except ValueError as error:
            raise Invalid("the followers are not whole ids") from error
        await failpoint(BEFORE_INSERT)
        async with self._places:
            pushed = await self._store.fan_out(task.post_id, followers, older_remain=task.older_remain)
        await failpoint(AFTER_INSERT)
        if pushed.deleted:
            INSERTED.labels("deleted").inc(len(followers))
            return
        INSERTED.labels("inserted").inc(pushed.inserted)
        INSERTED.labels("known").inc(pushed.active - pushed.inserted)
        INSERTED.labels("inactive").inc(len(followers) - pushed.active)
        FANOUT_SECONDS.observe((self._clock.now() - envelope.time).total_seconds())
