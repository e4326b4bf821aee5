"""Decides whose posts are pushed into feeds, and whose are pulled by readers.

An author with as many followers as the threshold is pulled. Below nine tenths of it, so that nobody alternates, they
are pushed again: new posts from that moment on, older posts by tasks. Readers go on pulling for one more day, by when
the tasks are done.

`pulled` can be lost like everything in Redis, and counts in events may be late. So it is compared with social-graph
from time to time, and whenever it was lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_feed.delivery.fanout_planner import FanoutPlanner
from photomesh_feed.delivery.timeline_cache import TimelineCache
from photomesh_feed.domain.accounts import FollowerCount
from photomesh_feed.domain.fanout import PopularityState
from photomesh_feed.domain.timelines import TIMELINE_POSTS
from photomesh_shared.clock import Clock
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["FollowerCounts", "Popularity", "PopularityStore"]

AFTER_DECISION = declare(
    "feed.popularity.after_decision", "an author is pushed again, there are no tasks for older posts"
)
AFTER_REFILL = declare("feed.popularity.after_refill", "tasks for an author's older posts are in the log, not recorded")

_COOLING = timedelta(days=1)


class PopularityStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def popularity(self, author_id: int) -> PopularityState: ...
    async def apply_follower_count(self, author_id: int, followers: int, threshold: int, cool_at: datetime) -> bool: ...
    async def finish_refill(self, author_id: int, cool_at: datetime) -> None: ...
    async def pulled_authors(self) -> set[int]: ...
    async def refilling_authors(self) -> set[int]: ...
    async def mark_popularity_known(self, now: datetime) -> None: ...


class FollowerCounts(Protocol):
    async def popular_accounts(self, at_least: int) -> Sequence[FollowerCount]:
        """Returns the accounts with so many followers."""
        ...


class Popularity:
    def __init__(
        self,
        store: PopularityStore,
        counts: FollowerCounts,
        planner: FanoutPlanner,
        timelines: TimelineCache,
        clock: Clock,
        *,
        threshold: int,
    ) -> None:
        self._store = store
        self._counts = counts
        self._planner = planner
        self._timelines = timelines
        self._clock = clock
        self._threshold = threshold
        self._refreshing = asyncio.Lock()

    async def is_pushed(self, author_id: int) -> bool:
        """Returns whether new posts of an author are pushed. Raises Unavailable."""
        known, pulled = await self._store.popularity(author_id)
        if not known:
            async with self._refreshing:
                known, _ = await self._store.popularity(author_id)
                if not known:
                    await self._refresh()
            _, pulled = await self._store.popularity(author_id)
        return not pulled

    async def apply_follower_count(self, author_id: int, followers: int) -> None:
        """Takes the number of followers from an event. Raises Unavailable."""
        await self._refill(await self._decide([FollowerCount(author_id, followers)]))

    async def _refresh(self) -> None:
        counts = await self._counts.popular_accounts(max(1, self._threshold * 9 // 10))
        unpopular = await self._store.pulled_authors() - {one.account_id for one in counts}
        await self._decide([*counts, *(FollowerCount(author_id, 0) for author_id in unpopular)])
        await self._refill(await self._store.refilling_authors())
        await self._store.mark_popularity_known(self._clock.now())

    async def _decide(self, counts: Collection[FollowerCount]) -> set[int]:
        """Returns the authors whose older posts have to be put into feeds."""
        cool_at = self._clock.now() + _COOLING
        return {
            author_id
            for author_id, followers in counts
            if await self._store.apply_follower_count(author_id, followers, self._threshold, cool_at)
        }

    async def _refill(self, author_ids: Collection[int]) -> None:
        for author_id in author_ids:
            await failpoint(AFTER_DECISION)
            now = self._clock.now()
            posts, older_remain = await self._timelines.newest(author_id, TIMELINE_POSTS)
            if posts:
                await self._planner.plan(
                    author_id, posts, cause=f"refill-{now:%Y%m%d}", at=now, older_remain=older_remain
                )
            await failpoint(AFTER_REFILL)
            await self._store.finish_refill(author_id, now + _COOLING)
