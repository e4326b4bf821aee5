"""The chronological feed.

    warm   the list in Redis, merged with the timelines of pulled authors: one call
    deep   below the list: author timelines, from Redis and then from post
    cold   there is no list: the same timelines, while the list is being filled (`rebuild`)

Whatever the lists hold, a page is right at the moment of the read: the rules are applied to every one.
"""

from __future__ import annotations

from photomesh_feed.domain.order import feed_order
from photomesh_feed.domain.pages import AfterPost, ChosenPosts, FeedList, FeedPage, Row
from photomesh_feed.domain.timelines import TimelineTrack
from photomesh_feed.reading.metrics import READS
from photomesh_feed.reading.pipeline import PagePipeline
from photomesh_feed.reading.rebuild import FeedRebuilder, VisibleAuthors
from photomesh_feed.reading.timeline_merger import TimelineMerger
from photomesh_shared.concurrency.single_flight import SingleFlight

__all__ = ["ChronologicalFeed"]

_MERGES = 3  # for a page of which too many posts turn out to be hidden


class ChronologicalFeed:
    def __init__(
        self, pipeline: PagePipeline, authors: VisibleAuthors, merger: TimelineMerger, rebuilder: FeedRebuilder
    ) -> None:
        self._pipeline = pipeline
        self._authors = authors
        self._merger = merger
        self._rebuilder = rebuilder
        self._reads = SingleFlight[FeedPage]()

    async def page(self, viewer: int, after: int | None, limit: int) -> FeedPage:
        """Returns the posts after `after`, newest first. Coalesces concurrent reads of the same page.

        Raises FeedsUnavailable, SourceUnavailable, FeedsBusy.
        """
        return await self._reads.run((viewer, after, limit), lambda: self._page(viewer, after, limit))

    async def _page(self, viewer: int, after: int | None, limit: int) -> FeedPage:
        page = await self._pipeline.run(viewer, FeedList(after, limit))
        if page.outcome == "cold":
            READS.labels("chronological", "cold").inc()
            await self._rebuilder.start(viewer)
            tracks: dict[int, TimelineTrack] = {}
            first = await self._from_timelines(viewer, [], after, limit, tracks)
            self._rebuilder.fill_in_background(viewer, tracks if after is None else {})
            return first
        if page.outcome == "more":
            READS.labels("chronological", "warm").inc()
            return FeedPage(page.rows, AfterPost(int(page.rows[-1].post_id)))
        if page.outcome == "end":
            READS.labels("chronological", "warm").inc()
            return FeedPage(page.rows, None)
        READS.labels("chronological", "deep").inc()
        below = after
        if page.floor is not None and (after is None or feed_order(page.floor) > feed_order(after)):
            below = page.floor
        if len(page.rows) == limit:
            return FeedPage(page.rows, _position(below))
        return await self._from_timelines(viewer, list(page.rows), below, limit, {})

    async def _from_timelines(
        self, viewer: int, rows: list[Row], after: int | None, limit: int, tracks: dict[int, TimelineTrack]
    ) -> FeedPage:
        """Completes a page with posts after `after` from author timelines. What it reads first of these is left in
        `tracks`."""
        authors = await self._authors.authors(viewer)
        for attempt in range(_MERGES):
            known = None if attempt else tracks
            merged = await self._merger.newest(authors, after, limit - len(rows), known=known)
            if merged.posts:
                rows += (await self._pipeline.run(viewer, ChosenPosts(merged.posts))).rows
            after = merged.after
            if after is None or len(rows) == limit:
                break
        return FeedPage(rows, _position(after))


def _position(after: int | None) -> AfterPost | None:
    return None if after is None else AfterPost(after)
