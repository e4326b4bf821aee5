"""Rebuilds a feed that is not in Redis, when its owner reads it.

    marker "being filled"  ─►  follows from social-graph  ─►  first page from timelines (the answer)
                                                         └►  the list, in the background  ─►  marker "complete"

From the marker on events apply to the feed, so nothing that happens in the meantime is lost. Each step merges, and is
idempotent: a process that dies leaves a feed that is not complete, and the next read starts over. Any number of
processes may answer first pages; one of them, by a lock that expires, fills the list.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from typing import Protocol

from photomesh_feed.domain.accounts import Relation
from photomesh_feed.domain.order import id_ms
from photomesh_feed.domain.timelines import FEED_POSTS, MergedPosts, TimelineTrack
from photomesh_feed.errors import FeedsBusy
from photomesh_feed.reading.metrics import REBUILD_SECONDS, REBUILDS, SHED
from photomesh_feed.reading.timeline_merger import TimelineMerger
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Problem
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["FeedRebuilder", "RebuildStore", "RelationsSource", "VisibleAuthors"]

AFTER_MARKER = declare("feed.rebuild_after_marker", "a feed is marked as being filled, and is empty")
AFTER_FOLLOWS = declare("feed.rebuild_after_follows", "the follows are known, the list is not filled")
BEFORE_FINISH = declare("feed.rebuild_before_finish", "the list has been read from timelines, and is not written")

log = logging.getLogger(__name__)

_STARTS = 16  # at a time: each reads follows from social-graph
_MAX_STARTS = 512  # running and waiting; beyond, readers are shed
_FILLS = 4  # at a time; the readers of the others read from timelines meanwhile
_KEPT_TRACKS = 32  # feeds that are filled or wait; for those beyond, timelines are read again rather than kept
_ROUNDS = 20  # of reading timelines: 50 posts of each author if they are in post only


class RelationsSource(Protocol):
    async def relations(self, account: int) -> Sequence[Relation]: ...


class RebuildStore(Protocol):
    async def begin(self, viewer: int, now_ms: int) -> bool: ...
    async def relations(self, viewer: int, relations: Sequence[Relation]) -> None: ...
    async def lock(self, viewer: int, token: str) -> bool: ...
    async def finish(self, viewer: int, token: str, merged: MergedPosts) -> bool: ...


class VisibleAuthors(Protocol):
    async def authors(self, viewer: int) -> list[int]:
        """Returns the authors whom the viewer follows and does not mute."""
        ...


class FeedRebuilder:
    def __init__(
        self,
        store: RebuildStore,
        authors: VisibleAuthors,
        source: RelationsSource,
        merger: TimelineMerger,
        clock: Clock,
    ) -> None:
        self._store = store
        self._authors = authors
        self._source = source
        self._merger = merger
        self._clock = clock
        self._starting: dict[int, asyncio.Task[None]] = {}
        self._filling: dict[int, asyncio.Task[None]] = {}
        self._start_slots = asyncio.Semaphore(_STARTS)
        self._fill_slots = asyncio.Semaphore(_FILLS)

    async def start(self, viewer: int) -> None:
        """Marks the feed and loads the viewer's follows, once for all concurrent readers. Then events apply to the
        feed, and it can be read from timelines. Raises FeedsBusy, SourceUnavailable, FeedsUnavailable."""
        task = self._starting.get(viewer)
        if task is None:
            if len(self._starting) >= _MAX_STARTS:
                SHED.inc()
                raise FeedsBusy
            task = self._starting[viewer] = asyncio.create_task(self._start(viewer), name="rebuild")
            task.add_done_callback(lambda done: self._started(viewer, done))
        await asyncio.shield(task)

    def fill_in_background(self, viewer: int, tracks: dict[int, TimelineTrack]) -> None:
        """Fills the list. Call it after the first page, with which it would compete, and with what that has read."""
        if viewer not in self._filling:
            known = tracks if len(self._filling) < _KEPT_TRACKS else {}
            task = self._filling[viewer] = asyncio.create_task(self._fill(viewer, known), name="fill-feed")
            task.add_done_callback(lambda _: self._filling.pop(viewer))

    async def close(self) -> None:
        """Cancels rebuilds in progress: the next read starts them over."""
        tasks = [*self._starting.values(), *self._filling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _started(self, viewer: int, task: asyncio.Task[None]) -> None:
        del self._starting[viewer]
        if not task.cancelled():
            task.exception()  # retrieved, because all callers may have been cancelled

    async def _start(self, viewer: int) -> None:
        async with self._start_slots:
            if await self._store.begin(viewer, id_ms(self._clock.now())):
                return
            await failpoint(AFTER_MARKER)
            await self._store.relations(viewer, await self._source.relations(viewer))
            await failpoint(AFTER_FOLLOWS)

    async def _fill(self, viewer: int, tracks: dict[int, TimelineTrack]) -> None:
        started = self._clock.monotonic()
        token = secrets.token_hex(8)
        outcome = "failed"
        try:
            async with self._fill_slots:
                if not await self._store.lock(viewer, token):
                    outcome = "elsewhere"
                    return
                authors = await self._authors.authors(viewer)
                merged = await self._merger.newest(authors, None, FEED_POSTS, rounds=_ROUNDS, known=tracks)
                await failpoint(BEFORE_FINISH)
                outcome = "whole" if await self._store.finish(viewer, token, merged) else "lost"
        except Problem as error:
            log.warning("feed not filled yet", extra={"account_id": viewer, "reason": str(error)})
        except Exception:
            log.exception("feed could not be filled", extra={"account_id": viewer})
        finally:
            REBUILDS.labels(outcome).inc()
            if outcome == "whole":
                REBUILD_SECONDS.observe(self._clock.monotonic() - started)
