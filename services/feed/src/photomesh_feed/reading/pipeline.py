"""The pipeline of a page: skeleton → hydrate → rules."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from photomesh_feed.domain.pages import Skeleton, StoredPage
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.reading.hydration import Hydrator

__all__ = ["PagePipeline", "PageStore"]

_ATTEMPTS = 4


class PageStore(Protocol):
    async def page(self, viewer: int, skeleton: Skeleton, absent: Collection[int]) -> StoredPage:
        """Returns the visible posts of a skeleton as far as Redis has them, without those in `absent`."""
        ...


class PagePipeline:
    def __init__(self, store: PageStore, hydrator: Hydrator) -> None:
        self._store = store
        self._hydrator = hydrator

    async def run(self, viewer: int, skeleton: Skeleton) -> StoredPage:
        """Returns the page of a skeleton without gaps: one call of Redis if it lacks nothing, otherwise the gaps are
        filled and the page is read again. Raises FeedsUnavailable, SourceUnavailable, FeedsBusy."""
        absent: set[int] = set()
        for _ in range(_ATTEMPTS):
            page = await self._store.page(viewer, skeleton, absent)
            gaps = self._hydrator.fillable(page.gaps)
            if not gaps:
                return page
            absent |= await self._hydrator.fill(viewer, gaps)
        raise SourceUnavailable("Posts do not stay in Redis.")
