"""Suggested posts in the ranked feed: found when an order is made, and shown if explore agrees when a page is read.

Explore, or what it asks, may be slow or not respond. Then a page has none: a reader never waits for long, and never
gets an error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from photomesh_feed.domain.pages import Row, StoredPage, SuggestedPosts
from photomesh_feed.domain.suggestions import SuggestedRow, Suggestion, SuggestionReason
from photomesh_feed.reading.metrics import SUGGESTED, SUGGESTIONS_MISSED
from photomesh_feed.reading.pipeline import PagePipeline
from photomesh_shared.errors import Unavailable

__all__ = ["NoSuggestions", "SuggestionSource", "Suggestions"]


class SuggestionSource(Protocol):
    """See `clients.explore.ExploreClient`. Raises Unavailable."""

    async def suggestions(self, viewer: int, limit: int) -> Sequence[Suggestion]:
        """Returns posts that the viewer could be shown, the best first."""
        ...

    async def show(self, viewer: int, suggestions: Sequence[Suggestion]) -> Mapping[int, SuggestionReason]:
        """Returns those that the viewer may and wants to be shown now. They count as shown."""
        ...


class NoSuggestions:
    """A source for tests and tools."""

    async def suggestions(self, viewer: int, limit: int) -> Sequence[Suggestion]:
        return ()

    async def show(self, viewer: int, suggestions: Sequence[Suggestion]) -> Mapping[int, SuggestionReason]:
        return {}


class Suggestions:
    """No method raises."""

    def __init__(self, source: SuggestionSource, pipeline: PagePipeline, *, seconds: float) -> None:
        """`seconds`: how long a step may take; longer than a call of the source, so that it counts its own failures."""
        self._source = source
        self._pipeline = pipeline
        self._seconds = seconds

    async def find(self, viewer: int, limit: int) -> Sequence[Suggestion]:
        """Returns posts for a new order; none if explore does not respond in time."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._source.suggestions(viewer, limit)
        except (Unavailable, TimeoutError):
            SUGGESTIONS_MISSED.labels("order").inc()
            return ()

    async def rows(self, viewer: int, page: StoredPage) -> tuple[Sequence[Row], Mapping[bytes, SuggestionReason]]:
        """Returns the rows of a page with those of its suggestions that may be shown now, and why, by post id."""
        if not page.suggested:
            return page.rows, {}
        wanted = [one.suggestion for one in page.suggested]
        try:
            async with asyncio.timeout(self._seconds):
                reasons, found = await asyncio.gather(
                    self._source.show(viewer, wanted),
                    self._pipeline.run(viewer, SuggestedPosts([one.post_id for one in wanted])),
                )
        except (Unavailable, TimeoutError):
            SUGGESTIONS_MISSED.labels("page").inc()
            return page.rows, {}
        shown = {int(row.post_id): row for row in found.rows if int(row.post_id) in reasons}
        SUGGESTED.labels("shown").inc(len(shown))
        SUGGESTED.labels("hidden").inc(len(wanted) - len(shown))
        return _merged(page.rows, page.suggested, shown), {row.post_id: reasons[post] for post, row in shown.items()}


def _merged(rows: Sequence[Row], suggested: Sequence[SuggestedRow], shown: Mapping[int, Row]) -> list[Row]:
    merged = list(rows)
    for one in reversed(suggested):
        if row := shown.get(one.suggestion.post_id):
            merged.insert(one.place, row)
    return merged
