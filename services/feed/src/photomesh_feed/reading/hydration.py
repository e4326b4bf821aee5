"""Hydration: loads into Redis what a page lacks."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from photomesh_feed.domain.accounts import Account
from photomesh_feed.domain.engagement import ViewerState
from photomesh_feed.domain.pages import Gaps
from photomesh_feed.domain.snapshots import CountedSnapshot
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.cache_loader import CacheLoader
from photomesh_shared.clock import Clock
from photomesh_shared.internal_api.post import MAX_IDS, PostSnapshot

__all__ = ["HydrationSource", "HydrationStore", "Hydrator"]

_ABSENT_SECONDS = 30.0
_ABSENT_IDS = 10_000


class HydrationStore(Protocol):
    async def posts(self, posts: Iterable[CountedSnapshot]) -> None: ...
    async def viewer_states(self, viewer: int, states: Iterable[ViewerState]) -> None: ...
    async def accounts(self, accounts: Iterable[Account]) -> None: ...


class HydrationSource(Protocol):
    async def posts(self, posts: Collection[int]) -> Sequence[PostSnapshot]: ...
    async def viewer_states(self, account: int, posts: Collection[int]) -> Sequence[ViewerState]: ...
    async def accounts(self, accounts: Collection[int]) -> list[Account]: ...


class _AbsentIds:
    """Ids that the durable store did not have lately. It may have them later, so they are forgotten soon."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[int, float] = OrderedDict()

    def add(self, ids: Collection[int]) -> None:
        until = self._clock.monotonic() + _ABSENT_SECONDS
        for one in ids:
            self._until[one] = until
            self._until.move_to_end(one)
        while len(self._until) > _ABSENT_IDS:
            self._until.popitem(last=False)

    def among(self, ids: Collection[int]) -> set[int]:
        now = self._clock.monotonic()
        return {one for one in ids if self._until.get(one, 0.0) > now}


class Hydrator:
    """Loads each entity once for all readers who wait for it."""

    def __init__(self, store: HydrationStore, source: HydrationSource, cdn_url: str, clock: Clock) -> None:
        self._store = store
        self._source = source
        self._cdn_url = cdn_url
        self._absent_posts = _AbsentIds(clock)
        self._absent_accounts = _AbsentIds(clock)
        self._posts = CacheLoader("posts", self._load_posts, max_batch=MAX_IDS)
        self._accounts = CacheLoader("accounts", self._load_accounts, max_batch=MAX_IDS)

    def fillable(self, gaps: Gaps) -> Gaps:
        """Returns the gaps without authors whose names were not found lately: their posts are shown without."""
        absent = self._absent_accounts.among(gaps.authors)
        return replace(gaps, authors=[one for one in gaps.authors if one not in absent]) if absent else gaps

    async def fill(self, viewer: int, gaps: Gaps) -> set[int]:
        """Fills the gaps. Returns those of their posts that do not exist. Raises SourceUnavailable, FeedsBusy."""
        absent, _, _ = await asyncio.gather(
            self.load_posts(gaps.posts),
            self._load_viewer_states(viewer, gaps.viewer_states),
            self._load_names(gaps.authors),
        )
        return absent

    async def load_posts(self, posts: Collection[int]) -> set[int]:
        """Loads snapshots and counts. Returns the posts that do not exist. Raises SourceUnavailable, FeedsBusy."""
        absent = self._absent_posts.among(posts)
        await self._posts.load(post for post in posts if post not in absent)
        return absent | self._absent_posts.among(posts)

    async def _load_viewer_states(self, viewer: int, posts: Sequence[int]) -> None:
        for start in range(0, len(posts), MAX_IDS):
            batch = posts[start : start + MAX_IDS]
            await self._store.viewer_states(viewer, await self._source.viewer_states(viewer, batch))

    async def _load_names(self, accounts: Collection[int]) -> None:
        """A page without names is better than none."""
        try:
            await self._accounts.load(accounts)
        except SourceUnavailable:
            self._absent_accounts.add(accounts)

    async def _load_posts(self, posts: list[int]) -> None:
        found = [CountedSnapshot.of_post(post, self._cdn_url) for post in await self._source.posts(posts)]
        await self._store.posts(found)
        known = {one.snapshot.post_id for one in found}
        self._absent_posts.add([post for post in posts if post not in known])

    async def _load_accounts(self, accounts: list[int]) -> None:
        found = await self._source.accounts(accounts)
        await self._store.accounts(found)
        known = {account.id for account in found}
        self._absent_accounts.add([account for account in accounts if account not in known])
