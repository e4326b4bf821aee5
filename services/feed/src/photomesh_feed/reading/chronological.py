"""Reading a home feed.

    warm   one call to Redis: the list, merged with the timelines of pulled authors, filtered, with everything to show
    deep   below the list: author timelines, from Redis and then from post
    cold   there is no list: the same timelines, while it is being made (`rebuild`)

Whatever the lists still hold, a page is right at the moment of reading: who was unfollowed or muted is not in it, and
neither is what was deleted.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

from photomesh_feed.clients.post import Account
from photomesh_feed.domain import snapshots
from photomesh_feed.domain.pages import Page, Row, order
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.cache_loader import Loader
from photomesh_feed.reading.metrics import READS
from photomesh_feed.reading.rebuild import Rebuilds
from photomesh_feed.reading.timeline_merger import Timelines
from photomesh_feed.store.reader import Candidates, Found, Ranked
from photomesh_shared.clock import Clock
from photomesh_shared.single_flight import SingleFlight

__all__ = ["Fills", "Hydration", "Reading", "Reads", "Sources"]

_ATTEMPTS = 4
_STEPS = 3  # into timelines, for a page of which too much turns out to be hidden
_BATCH = 100
_ABSENT_SECONDS = 30.0
_ABSENT_POSTS = 10_000


class Reads(Protocol):
    async def page(self, viewer: int, after: int | None, limit: int, absent: Collection[int]) -> Found: ...
    async def posts(self, viewer: int, posts: Sequence[int], absent: Collection[int]) -> Found: ...
    async def ranked(self, viewer: int, name: str, index: int, limit: int, absent: Collection[int]) -> Ranked: ...
    async def candidates(self, viewer: int, count: int, absent: Collection[int]) -> Candidates: ...
    async def keep_order(
        self, viewer: int, name: str, entries: Sequence[str], *, head: str, limit: int, last: int, fresh: int, kept: int
    ) -> None: ...
    async def authors(self, viewer: int) -> list[int]: ...


class Fills(Protocol):
    async def posts(self, found: Iterable[tuple[snapshots.Snapshot, int, int]]) -> None: ...
    async def viewer_state(
        self, viewer: int, posts: Collection[int], liked: Collection[int], saved: Collection[int]
    ) -> None: ...
    async def user(self, account: int, username: str, display_name: str, avatar_url: str | None) -> None: ...


class Sources(Protocol):
    async def posts(self, posts: Collection[int]) -> list[Mapping[str, Any]]: ...
    async def viewer_state(self, account: int, posts: Collection[int]) -> tuple[set[int], set[int]]: ...
    async def accounts(self, accounts: Collection[int]) -> list[Account]: ...


class _Absent:
    """Things that the durable store does not have, for a moment: it may have them a little later."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[int, float] = OrderedDict()

    def add(self, keys: Collection[int]) -> None:
        until = self._clock.monotonic() + _ABSENT_SECONDS
        for key in keys:
            self._until[key] = until
            self._until.move_to_end(key)
        while len(self._until) > _ABSENT_POSTS:
            self._until.popitem(last=False)

    def among(self, keys: Collection[int]) -> list[int]:
        now = self._clock.monotonic()
        return [key for key in keys if self._until.get(key, 0.0) > now]


class Hydration:
    """Brings what a page lacks into Redis, each thing once for all who wait for it."""

    def __init__(self, fills: Fills, sources: Sources, cdn_url: str, clock: Clock) -> None:
        self._fills = fills
        self._sources = sources
        self._cdn_url = cdn_url
        self._absent_posts = _Absent(clock)
        self._absent_accounts = _Absent(clock)
        self._posts = Loader("posts", self._load_posts, batch=_BATCH)
        self._accounts = Loader("accounts", self._load_accounts, batch=_BATCH)

    async def whole(self, viewer: int, read: Callable[[Collection[int]], Awaitable[Found]]) -> Found:
        """What `read` finds when nothing is missing any more. It is given the posts that do not exist.

        Raises SourceUnavailable."""
        absent: set[int] = set()
        found = await read(absent)
        for _ in range(_ATTEMPTS):
            if not (found.missing or found.unknown or found.nameless):
                return found
            nameless = set(found.nameless) - set(self._absent_accounts.among(found.nameless))
            if not (found.missing or found.unknown or nameless):
                return found
            gone = self._absent_posts.among(found.missing)
            absent.update(gone)
            await asyncio.gather(
                self._posts.run(post for post in found.missing if post not in absent),
                self._state(viewer, found.unknown),
                self._names(nameless),
            )
            absent.update(self._absent_posts.among(found.missing))
            found = await read(absent)
        raise SourceUnavailable("Posts do not stay in Redis.")

    async def load(self, posts: Collection[int]) -> set[int]:
        """Brings posts into Redis; gives those that do not exist."""
        absent = set(self._absent_posts.among(posts))
        await self._posts.run(post for post in posts if post not in absent)
        return absent | set(self._absent_posts.among(posts))

    async def _state(self, viewer: int, posts: Sequence[int]) -> None:
        for start in range(0, len(posts), _BATCH):
            batch = posts[start : start + _BATCH]
            liked, saved = await self._sources.viewer_state(viewer, batch)
            await self._fills.viewer_state(viewer, batch, liked, saved)

    async def _names(self, accounts: Collection[int]) -> None:
        """A page is better without names than not at all."""
        try:
            await self._accounts.run(accounts)
        except SourceUnavailable:
            self._absent_accounts.add(accounts)

    async def _load_posts(self, posts: list[int]) -> None:
        found = await self._sources.posts(posts)
        await self._fills.posts(
            (snapshots.from_post(data, self._cdn_url), int(data["like_count"]), int(data["comment_count"]))
            for data in found
        )
        known = {snapshots.id_of(data) for data in found}
        self._absent_posts.add([post for post in posts if post not in known])

    async def _load_accounts(self, accounts: list[int]) -> None:
        found = await self._sources.accounts(accounts)
        for one in found:
            await self._fills.user(one.id, one.username, one.display_name, one.avatar_url)
        known = {one.id for one in found}
        self._absent_accounts.add([account for account in accounts if account not in known])


class Reading:
    def __init__(self, reads: Reads, hydration: Hydration, timelines: Timelines, rebuilds: Rebuilds) -> None:
        self._reads = reads
        self._hydration = hydration
        self._timelines = timelines
        self._rebuilds = rebuilds
        self._shared = SingleFlight[Page]()

    async def chronological(self, viewer: int, after: int | None, limit: int) -> Page:
        """The posts behind `after`, newest first. Somebody who asks for the same page many times at once is given one
        answer. Raises FeedsUnavailable, SourceUnavailable, FeedsBusy."""
        return await self._shared.run((viewer, after, limit), lambda: self._chronological(viewer, after, limit))

    async def _chronological(self, viewer: int, after: int | None, limit: int) -> Page:
        async def read(absent: Collection[int]) -> Found:
            return await self._reads.page(viewer, after, limit, absent)

        found = await self._hydration.whole(viewer, read)
        if found.ended == "cold":
            READS.labels("chronological", "cold").inc()
            await self._rebuilds.ensure(viewer)
            page = await self._deep(viewer, [], after, limit)
            self._rebuilds.fill(viewer)
            return page
        if found.ended == "more":
            READS.labels("chronological", "warm").inc()
            return Page(found.rows, int(found.rows[-1].post_id))
        if found.ended == "end":
            READS.labels("chronological", "warm").inc()
            return Page(found.rows, None)
        READS.labels("chronological", "deep").inc()
        place = after
        if found.floor is not None and (after is None or order(found.floor) > order(after)):
            place = found.floor
        if len(found.rows) == limit:
            return Page(found.rows, place)
        return await self._deep(viewer, list(found.rows), place, limit)

    async def _deep(self, viewer: int, rows: list[Row], after: int | None, limit: int) -> Page:
        """Goes on from author timelines."""
        authors = await self._reads.authors(viewer)
        for _ in range(_STEPS):
            found = await self._timelines.newest(authors, after, limit - len(rows))
            rows += await self._shown(viewer, found.posts)
            after = found.after
            if after is None or len(rows) == limit:
                break
        return Page(rows, after)

    async def _shown(self, viewer: int, posts: Sequence[int]) -> Sequence[Row]:
        async def read(absent: Collection[int]) -> Found:
            return await self._reads.posts(viewer, posts, absent)

        return (await self._hydration.whole(viewer, read)).rows if posts else []
