"""explore in memory, as feed's client sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from photomesh_feed.domain.suggestions import Suggestion, SuggestionReason
from photomesh_feed.errors import SourceUnavailable

__all__ = ["InMemorySuggestions"]


class InMemorySuggestions:
    """Change the attributes at will. While `unavailable` is set every call fails; while `gate` is not set none
    returns."""

    def __init__(self) -> None:
        self.offered: list[int] = []
        """Posts, the best first."""
        self.hidden: set[int] = set()
        """What may not be shown any more."""
        self.shown: list[int] = []
        self.unavailable = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def suggestions(self, viewer: int, limit: int) -> Sequence[Suggestion]:
        await self._call()
        return [Suggestion(post, "hashtag_you_like", "sea") for post in self.offered[:limit]]

    async def show(self, viewer: int, suggestions: Sequence[Suggestion]) -> Mapping[int, SuggestionReason]:
        await self._call()
        found = [one for one in suggestions if one.post_id not in self.hidden]
        self.shown += [one.post_id for one in found]
        return {one.post_id: SuggestionReason(one.source, "You like it.", one.about) for one in found}

    async def _call(self) -> None:
        await self.gate.wait()
        if self.unavailable:
            raise SourceUnavailable
