"""Feeds from author timelines: for the first page of a feed that is being built, for the list that is built, and for
everything below it. What Redis lacks comes from post, and stays in Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from photomesh_feed.domain.pages import MS_BITS, Slice, Track, exact, order
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.cache_loader import Loader
from photomesh_feed.store.keys import COMPLETE
from photomesh_feed.store.reader import Shelf
from photomesh_shared.ids import MAX_ID
from photomesh_shared.single_flight import SingleFlight

__all__ = ["Fills", "Posts", "Shelves", "Timelines"]

_AUTHORS = 250  # in one call to Redis, which does nothing else meanwhile: about half a millisecond
_ASKED_AUTHORS, _ASKED_POSTS = 200, 50  # what post takes
_HEADS = 20  # as many as a page shows, of authors of whom nothing is here
_LEAST = 8
_ROUNDS = 6


class Shelves(Protocol):
    async def timelines(self, wanted: Sequence[tuple[int, int | None]], count: int) -> list[Shelf]: ...


class Fills(Protocol):
    async def open_timelines(self, authors: Collection[int]) -> None: ...
    async def timelines(
        self, found: Mapping[int, Sequence[int]], before_ms: int | None, complete: Collection[int]
    ) -> None: ...


class Posts(Protocol):
    async def timelines(self, authors: Sequence[int], *, before: int | None, limit: int) -> dict[int, list[int]]: ...


class Timelines:
    def __init__(self, shelves: Shelves, fills: Fills, posts: Posts) -> None:
        self._shelves = shelves
        self._fills = fills
        self._posts = posts
        self._heads = Loader("timelines", self._load_heads, batch=_ASKED_AUTHORS)
        self._asking = asyncio.Semaphore(4)
        self._asked = SingleFlight[dict[int, list[int]]]()

    async def newest(self, authors: Collection[int], after: int | None, count: int, *, rounds: int = _ROUNDS) -> Slice:
        """The next `count` posts of all these authors behind `after`.

        A few rounds of reading are enough but for the oddest timelines; after them it gives what is certain by then,
        which is one post at least, so that whoever goes on gets somewhere with bounded work for each page.
        """
        tracks = [Track(author) for author in authors]
        found: list[int] = []
        limiting = tracks
        step = max(_LEAST, 2 * count // max(1, len(tracks)))
        for _ in range(rounds):
            await self._extend(limiting, after, min(step, count + 1))
            found, limiting = exact(tracks, after, count)
            if not limiting:
                break
            step *= 4
        if limiting:
            return Slice(found, _floor(limiting, after))
        more = len(found) == count and (
            any(not track.ended for track in tracks)
            or any(order(post) > order(found[-1]) for track in tracks for post in track.posts)
        )
        return Slice(found, found[-1] if more and found else None)

    async def _extend(self, tracks: Sequence[Track], after: int | None, count: int) -> None:
        """Goes on with each of the tracks: in Redis as far as it goes, then in post."""
        absent, drained = await self._from_redis(tracks, after, count)
        if absent:
            await self._heads.run(track.author_id for track in absent)
            still_absent, also_drained = await self._from_redis(absent, after, count)
            if still_absent:
                raise SourceUnavailable("Timelines do not stay in Redis.")
            drained += also_drained
        # Those that go on at about the same place are asked for together, from the first of these places on.
        drained.sort(key=lambda track: _order(_later(track.bound, after)))
        for start in range(0, len(drained), _ASKED_AUTHORS):
            await self._from_post(drained[start : start + _ASKED_AUTHORS], after)

    async def _from_redis(
        self, tracks: Sequence[Track], after: int | None, count: int
    ) -> tuple[list[Track], list[Track]]:
        """Gives those of whom there is no timeline, and those whose timeline says that the rest is in post."""
        absent: list[Track] = []
        drained: list[Track] = []
        for start in range(0, len(tracks), _AUTHORS):
            batch = tracks[start : start + _AUTHORS]
            wanted = [(track.author_id, _later(track.bound, after)) for track in batch]
            for track, shelf in zip(batch, await self._shelves.timelines(wanted, count), strict=True):
                if not shelf.marker:
                    absent.append(track)
                elif shelf.posts:
                    track.posts += shelf.posts
                    track.bound = shelf.posts[-1]
                    track.ended = not shelf.more and shelf.marker == COMPLETE
                elif shelf.marker == COMPLETE:
                    track.ended = True
                else:
                    drained.append(track)
        return absent, drained

    async def _from_post(self, tracks: Sequence[Track], after: int | None) -> None:
        place = _later(tracks[0].bound, after)
        before_ms = None if place is None else (place >> MS_BITS) + 1  # so that all of its millisecond are given
        authors = tuple(track.author_id for track in tracks)
        found = await self._asked.run((authors, before_ms), lambda: self._ask(authors, before_ms, _ASKED_POSTS))
        for track in tracks:
            posts = found.get(track.author_id, [])
            track.posts += posts
            track.ended = len(posts) < _ASKED_POSTS
            track.bound = _later(_later(track.bound, after), max(posts, key=order, default=None))

    async def _load_heads(self, authors: list[int]) -> None:
        await self._fills.open_timelines(authors)
        await self._ask(authors, None, _HEADS)

    async def _ask(self, authors: Sequence[int], before_ms: int | None, limit: int) -> dict[int, list[int]]:
        """What post says, which Redis is told as well."""
        before = None if before_ms is None else min(before_ms << MS_BITS, MAX_ID)
        async with self._asking:
            found = await self._posts.timelines(authors, before=before, limit=limit)
        complete = {author for author in authors if len(found.get(author, ())) < limit}
        await self._fills.timelines({author: found.get(author, []) for author in authors}, before_ms, complete)
        return found


def _order(place: int | None) -> tuple[int, int]:
    return (-MAX_ID, 0) if place is None else order(place)


def _later(one: int | None, other: int | None) -> int | None:
    """Of two places the one further down; None is the top."""
    return max(one, other, key=_order)


def _floor(limiting: Sequence[Track], after: int | None) -> int | None:
    """Down to where everything is certain: the first place at which something may come in between."""
    return min((_later(track.bound, after) for track in limiting), key=_order)
