"""Merges author timelines: for the first page of a cold feed, for the list that is filled, and for pages below it.

Timelines come from Redis as far as it has them, then from post; what post returns stays in Redis.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from photomesh_feed.domain.order import MS_BITS, feed_order
from photomesh_feed.domain.timelines import (
    MergedPosts,
    TimelineRange,
    TimelineSlice,
    TimelineSource,
    TimelineState,
    TimelineTrack,
    merge_certain,
)
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.cache_loader import CacheLoader
from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.ids import MAX_ID
from photomesh_shared.internal_api.post import MAX_AUTHORS, MAX_TIMELINE

__all__ = ["TimelineFiller", "TimelineMerger", "TimelineReader"]

_REDIS_AUTHORS = 250  # in one call, during which Redis serves nobody else: about half a millisecond
_SOURCE_CONCURRENCY = 4
_HEAD_POSTS = 20  # first load of a timeline: as many as a page shows
_LEAST_POSTS = 8
_ROUNDS = 6


class TimelineReader(Protocol):
    async def timelines(self, ranges: Sequence[TimelineRange], limit: int) -> list[TimelineSlice]: ...


class TimelineFiller(Protocol):
    async def open_timelines(self, authors: Collection[int]) -> None: ...
    async def timelines(
        self, found: Mapping[int, Sequence[int]], before_ms: int | None, complete: Collection[int]
    ) -> None: ...


class _Unread(NamedTuple):
    """Tracks that Redis could not extend."""

    absent: list[TimelineTrack]
    """Redis has no timeline."""
    drained: list[TimelineTrack]
    """Older posts may be in post."""


class TimelineMerger:
    def __init__(self, reader: TimelineReader, filler: TimelineFiller, source: TimelineSource) -> None:
        self._reader = reader
        self._filler = filler
        self._source = source
        self._heads = CacheLoader("timelines", self._load_heads, max_batch=MAX_AUTHORS)
        self._source_slots = asyncio.Semaphore(_SOURCE_CONCURRENCY)
        self._source_calls = SingleFlight[Mapping[int, Sequence[int]]]()

    async def newest(
        self,
        authors: Collection[int],
        after: int | None,
        count: int,
        *,
        rounds: int = _ROUNDS,
        known: dict[int, TimelineTrack] | None = None,
    ) -> MergedPosts:
        """Returns the next `count` posts of all these authors after `after`. What `known` has of them, by author, from
        a call with the same `after` is not read again; what is read is added to it.

        It reads timelines in a bounded number of rounds, which suffices for all but extreme ones. Then it returns what
        is certain, at least one post: a reader that goes on there makes progress, at bounded work per page.
        Raises FeedsUnavailable, SourceUnavailable, FeedsBusy.
        """
        known = {} if known is None else known
        tracks = [known.setdefault(author, TimelineTrack(author)) for author in authors]
        found, limiting = merge_certain(tracks, after, count)
        step = max(_LEAST_POSTS, 2 * count // max(1, len(tracks)))
        for _ in range(rounds):
            if not limiting:
                break
            await self._extend(limiting, after, min(step, count + 1))
            found, limiting = merge_certain(tracks, after, count)
            step *= 4
        if limiting:
            return MergedPosts(found, _certain_to(limiting, after))
        if len(found) < count or not found:
            return MergedPosts(found, None)
        last = feed_order(found[-1])
        more = any(not track.ended for track in tracks) or any(
            feed_order(post) > last for track in tracks for post in track.posts
        )
        return MergedPosts(found, found[-1] if more else None)

    async def _extend(self, tracks: Sequence[TimelineTrack], after: int | None, count: int) -> None:
        """Extends each track: from Redis as far as it goes, then from post."""
        absent, drained = await self._extend_from_redis(tracks, after, count)
        if absent:
            await self._heads.load(track.author_id for track in absent)
            still_absent, also_drained = await self._extend_from_redis(absent, after, count)
            if still_absent:
                raise SourceUnavailable("Timelines do not stay in Redis.")
            drained += also_drained
        # Tracks that go on at about the same position share a call, which begins at the first of these positions.
        drained.sort(key=lambda track: _order(_later(track.bound, after)))
        for start in range(0, len(drained), MAX_AUTHORS):
            await self._extend_from_source(drained[start : start + MAX_AUTHORS], after)

    async def _extend_from_redis(self, tracks: Sequence[TimelineTrack], after: int | None, count: int) -> _Unread:
        unread = _Unread([], [])
        for start in range(0, len(tracks), _REDIS_AUTHORS):
            batch = tracks[start : start + _REDIS_AUTHORS]
            ranges = [TimelineRange(track.author_id, _later(track.bound, after)) for track in batch]
            for track, (state, more, posts) in zip(batch, await self._reader.timelines(ranges, count), strict=True):
                if state is TimelineState.ABSENT:
                    unread.absent.append(track)
                elif posts:
                    track.posts += posts
                    track.bound = posts[-1]
                    track.ended = not more and state is TimelineState.COMPLETE
                elif state is TimelineState.COMPLETE:
                    track.ended = True
                else:
                    unread.drained.append(track)
        return unread

    async def _extend_from_source(self, tracks: Sequence[TimelineTrack], after: int | None) -> None:
        position = _later(tracks[0].bound, after)
        before_ms = None if position is None else (position >> MS_BITS) + 1  # so that all ids of its millisecond come
        authors = tuple(track.author_id for track in tracks)
        found = await self._source_calls.run((authors, before_ms), lambda: self._load(authors, before_ms, MAX_TIMELINE))
        for track in tracks:
            posts = found.get(track.author_id, ())
            track.posts += posts
            track.ended = len(posts) < MAX_TIMELINE
            track.bound = _later(_later(track.bound, after), max(posts, key=feed_order, default=None))

    async def _load_heads(self, authors: list[int]) -> None:
        await self._filler.open_timelines(authors)
        await self._load(authors, None, _HEAD_POSTS)

    async def _load(self, authors: Sequence[int], before_ms: int | None, limit: int) -> Mapping[int, Sequence[int]]:
        """Reads timelines from post, and writes them to Redis."""
        before = None if before_ms is None else min(before_ms << MS_BITS, MAX_ID)
        async with self._source_slots:
            found = await self._source.timelines(authors, before=before, limit=limit)
        complete = {author for author in authors if len(found.get(author, ())) < limit}
        await self._filler.timelines({author: found.get(author, []) for author in authors}, before_ms, complete)
        return found


def _order(position: int | None) -> int:
    return -1 if position is None else feed_order(position)


def _later(one: int | None, other: int | None) -> int | None:
    """Returns the position further down; None is the top."""
    return max(one, other, key=_order)


def _certain_to(limiting: Sequence[TimelineTrack], after: int | None) -> int | None:
    """Returns the position down to which everything is certain: the first after which one of the tracks may go on."""
    return min((_later(track.bound, after) for track in limiting), key=_order)
