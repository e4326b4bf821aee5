"""Use case of the API: a page of a home feed."""

from __future__ import annotations

from photomesh_feed.domain.pages import AfterPost, FeedPage, Mode, Position
from photomesh_feed.reading.chronological import ChronologicalFeed
from photomesh_feed.reading.ranked import RankedFeed

__all__ = ["FeedService"]


class FeedService:
    def __init__(self, chronological: ChronologicalFeed, ranked: RankedFeed) -> None:
        self._chronological = chronological
        self._ranked = ranked

    async def page(self, viewer: int, mode: Mode, position: Position | None, limit: int) -> FeedPage:
        """Returns the page at a position, None for the first. A ranked feed goes on chronologically after its order.

        Raises RankingExpired, FeedsUnavailable, SourceUnavailable, FeedsBusy.
        """
        if isinstance(position, AfterPost):
            return await self._chronological.page(viewer, position.post_id, limit)
        if mode == "chronological":
            return await self._chronological.page(viewer, None, limit)
        if position is None:
            return await self._ranked.first_page(viewer, limit)
        return await self._ranked.next_page(viewer, position, limit)
