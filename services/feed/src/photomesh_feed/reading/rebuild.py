"""Feeds that are not in Redis, made anew when their owner reads again.

    marker "being filled"  ─►  follows from social-graph  ─►  first page from timelines (the answer)
                                                         └►  the list, in the background  ─►  marker "whole"

From the marker on events land in the feed, so what happens meanwhile is not lost. Each step merges and may be repeated:
a process that dies anywhere leaves a feed that is not whole, and the next read begins again. Any number of processes
may answer first pages; one of them, by a lock that expires, fills the list.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Collection
from datetime import timedelta
from typing import Protocol

from photomesh_feed.domain.pages import Follows
from photomesh_feed.errors import FeedsBusy
from photomesh_feed.reading.metrics import REBUILD_SECONDS, REBUILDS, SHED
from photomesh_feed.reading.timeline_merger import Timelines
from photomesh_feed.store.keys import FEED_POSTS
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Problem
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.ids import EPOCH

__all__ = ["Authors", "Fills", "Graph", "Rebuilds"]

AFTER_MARKER = declare("feed.rebuild_after_marker", "a feed is marked as being filled, and nothing is in it")
AFTER_FOLLOWS = declare("feed.rebuild_after_follows", "the follows are known, the list is not filled")
BEFORE_FINISH = declare("feed.rebuild_before_finish", "the list has been read from timelines, and is not written")

log = logging.getLogger(__name__)

_AT_ONCE = 16  # rebuilds that ask social-graph at a time
_FILLING = 4  # lists that are filled at a time; their owners read from timelines meanwhile
_QUEUE = 512
_ROUNDS = 20  # of reading timelines: 50 posts of an author each, if they are in post only


class Graph(Protocol):
    async def following(self, account: int) -> Follows: ...


class Fills(Protocol):
    async def begin(self, viewer: int, now_ms: int) -> bool: ...
    async def follows(self, viewer: int, follows: Follows) -> None: ...
    async def lock(self, viewer: int, token: str) -> bool: ...
    async def finish(self, viewer: int, token: str, posts: list[int], after: int | None) -> bool: ...


class Authors(Protocol):
    async def authors(self, viewer: int) -> Collection[int]: ...


class Rebuilds:
    def __init__(self, fills: Fills, reads: Authors, graph: Graph, timelines: Timelines, clock: Clock) -> None:
        self._fills = fills
        self._reads = reads
        self._graph = graph
        self._timelines = timelines
        self._clock = clock
        self._starting: dict[int, asyncio.Task[None]] = {}
        self._filling: dict[int, asyncio.Task[None]] = {}
        self._starts = asyncio.Semaphore(_AT_ONCE)
        self._fill_places = asyncio.Semaphore(_FILLING)

    async def ensure(self, viewer: int) -> None:
        """Returns as soon as it is known whom the viewer follows, and events land in their feed.

        Raises FeedsBusy, SourceUnavailable, FeedsUnavailable."""
        task = self._starting.get(viewer)
        if task is None:
            if len(self._starting) >= _QUEUE:
                SHED.inc()
                raise FeedsBusy
            task = self._starting[viewer] = asyncio.create_task(self._start(viewer), name="rebuild")
            task.add_done_callback(lambda done: self._started(viewer, done))
        await asyncio.shield(task)

    async def close(self) -> None:
        """Stops what is under way: it will begin again with the next read."""
        tasks = [*self._starting.values(), *self._filling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def fill(self, viewer: int) -> None:
        """Fills the list in the background; best called after the first page, which would have to share."""
        if viewer not in self._filling:
            task = self._filling[viewer] = asyncio.create_task(self._fill(viewer), name="fill-feed")
            task.add_done_callback(lambda _: self._filling.pop(viewer))

    def _started(self, viewer: int, task: asyncio.Task[None]) -> None:
        del self._starting[viewer]
        if not task.cancelled():
            task.exception()  # whoever waits has it; nobody may wait any more

    async def _start(self, viewer: int) -> None:
        async with self._starts:
            now_ms = (self._clock.now() - EPOCH) // timedelta(milliseconds=1)
            if await self._fills.begin(viewer, now_ms):
                return
            await failpoint(AFTER_MARKER)
            await self._fills.follows(viewer, await self._graph.following(viewer))
            await failpoint(AFTER_FOLLOWS)

    async def _fill(self, viewer: int) -> None:
        begun = self._clock.monotonic()
        token = secrets.token_hex(8)
        outcome = "failed"
        try:
            async with self._fill_places:
                if not await self._fills.lock(viewer, token):
                    outcome = "elsewhere"
                    return
                authors = await self._reads.authors(viewer)
                found = await self._timelines.newest(authors, None, FEED_POSTS, rounds=_ROUNDS)
                await failpoint(BEFORE_FINISH)
                whole = await self._fills.finish(viewer, token, list(found.posts), found.after)
                outcome = "whole" if whole else "lost"
        except Problem as error:
            log.warning("a feed is not filled yet", extra={"account_id": viewer, "reason": str(error)})
        except Exception:
            log.exception("a feed could not be filled", extra={"account_id": viewer})
        finally:
            REBUILDS.labels(outcome).inc()
            if outcome == "whole":
                REBUILD_SECONDS.observe(self._clock.monotonic() - begun)
