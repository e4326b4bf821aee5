"""Whose posts are pushed into feeds, and whose are pulled by readers.

An author with as many followers as the threshold is pulled. Below nine tenths of it, so that nobody goes to and fro,
they are pushed again: from that moment on new posts are pushed, the older ones are put into feeds by tasks, and for one
more day readers pull all the same, by when the tasks are done.

`pulled` can be lost like everything in Redis, and counts in events may come late, so now and then, and whenever it has
been lost, it is compared with what social-graph counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_feed.delivery.fanout_planner import Tasks
from photomesh_feed.delivery.timeline_cache import Timelines
from photomesh_feed.store import keys
from photomesh_shared.clock import Clock
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Counts", "Popularity", "PopularityStore"]

AFTER_JUDGEMENT = declare(
    "feed.popularity.after_judgement", "an author is pushed to again, older posts are not asked for"
)
AFTER_REFILL = declare("feed.popularity.after_refill", "tasks for an author's older posts are in the log, not noted")

_COOLING = timedelta(days=1)


class PopularityStore(Protocol):
    async def popularity(self, author_id: int) -> tuple[bool, bool]:
        """Whether popularity is known at all, and whether the author is pulled for good."""
        ...

    async def judge_popularity(self, author_id: int, followers: int, threshold: int, cool_at: datetime) -> bool:
        """Applies a count. Whether older posts of the author have to be put into feeds."""
        ...

    async def refilled(self, author_id: int, cool_at: datetime) -> None: ...
    async def pulled(self) -> set[int]: ...
    async def refilling(self) -> set[int]: ...
    async def popularity_known(self, now: datetime) -> None: ...


class Counts(Protocol):
    async def popular(self, at_least: int) -> Sequence[tuple[int, int]]:
        """Accounts with so many followers, and how many."""
        ...


class Popularity:
    def __init__(
        self,
        store: PopularityStore,
        counts: Counts,
        tasks: Tasks,
        timelines: Timelines,
        clock: Clock,
        *,
        threshold: int,
    ) -> None:
        self._store = store
        self._counts = counts
        self._tasks = tasks
        self._timelines = timelines
        self._clock = clock
        self._threshold = threshold
        self._refreshing = asyncio.Lock()

    async def pushes(self, author_id: int) -> bool:
        """Whether new posts of an author go into feeds. Raises DependencyDown."""
        known, pulled = await self._store.popularity(author_id)
        if not known:
            async with self._refreshing:
                known, _ = await self._store.popularity(author_id)
                if not known:
                    await self._refresh()
            _, pulled = await self._store.popularity(author_id)
        return not pulled

    async def counted(self, author_id: int, followers: int) -> None:
        """Takes note of how many followers an author has."""
        await self._refill(await self._judge({author_id: followers}.items()))

    async def _refresh(self) -> None:
        counted = dict(await self._counts.popular(max(1, self._threshold * 9 // 10)))
        gone = await self._store.pulled() - counted.keys()
        await self._judge([*counted.items(), *((author_id, 0) for author_id in gone)])
        await self._refill(await self._store.refilling())
        await self._store.popularity_known(self._clock.now())

    async def _judge(self, counts: Collection[tuple[int, int]]) -> set[int]:
        cool_at = self._clock.now() + _COOLING
        return {
            author_id
            for author_id, followers in counts
            if await self._store.judge_popularity(author_id, followers, self._threshold, cool_at)
        }

    async def _refill(self, author_ids: Collection[int]) -> None:
        for author_id in author_ids:
            await failpoint(AFTER_JUDGEMENT)
            now = self._clock.now()
            posts, older_remain = await self._timelines.newest(author_id, keys.TIMELINE_POSTS)
            if posts:
                await self._tasks.request(
                    author_id, posts, cause=f"refill-{now:%Y%m%d}", at=now, older_remain=older_remain
                )
            await failpoint(AFTER_REFILL)
            await self._store.refilled(author_id, now + _COOLING)
