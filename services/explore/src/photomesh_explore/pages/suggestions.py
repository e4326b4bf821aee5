"""Use cases for the home feed: posts that it could show beside those of followees, and which of them it may show now.

What it could show comes from the list that explore shows next, and counts as shown when the feed shows it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from photomesh_explore.candidates.domain import SHOWABLE_MS, PostInfo, ms_of
from photomesh_explore.feedback.domain import Rules
from photomesh_explore.metrics import SHOWN
from photomesh_explore.pages.domain import Mode
from photomesh_explore.pages.service import LIST_MS, Entry, Explored, PageList, PageStore, Sights, built, visible
from photomesh_explore.pages.sources import Candidates
from photomesh_shared.clock import Clock

__all__ = ["Suggested", "SuggestionService"]


@dataclass(frozen=True)
class Suggested:
    """A post that was suggested. `about`: the hashtag that it is due to, if any."""

    post_id: int
    source: str
    about: str = ""


class Reader(Protocol):
    """See `store.reader.CandidateReader`. Every method raises ExploreUnavailable."""

    async def muted(self, viewer_id: int) -> Collection[int]: ...
    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]: ...
    async def public(self, account_ids: Collection[int]) -> Collection[int]: ...


class Preferences(Protocol):
    """See `feedback.service.FeedbackService`."""

    async def home_rules(self, account_id: int) -> Rules | None:
        """Return the account's rules; None if it wants no suggestions. Raises ExploreUnavailable."""
        ...


class SuggestionService:
    """Every method raises ExploreUnavailable."""

    def __init__(
        self,
        candidates: Candidates,
        reader: Reader,
        pages: PageStore,
        sights: Sights,
        preferences: Preferences,
        clock: Clock,
    ) -> None:
        self._candidates = candidates
        self._reader = reader
        self._pages = pages
        self._sights = sights
        self._preferences = preferences
        self._clock = clock

    async def suggest(self, viewer_id: int, limit: int) -> Sequence[Suggested]:
        """Return what the viewer could be shown at home and was not shown yet, the best first, one post of an author;
        nothing if it does not want any. Post was not asked about it."""
        rules = await self._preferences.home_rules(viewer_id)
        if rules is None:
            return []
        waiting = await self._waiting(viewer_id, rules)
        of_author: dict[int, Entry] = {}
        for one in waiting:
            if not rules.hides(one.post_id, one.author_id, one.tags):
                of_author.setdefault(one.author_id, one)
        return [Suggested(one.post_id, one.source, one.about) for one in list(of_author.values())[:limit]]

    async def _waiting(self, viewer_id: int, rules: Rules) -> Sequence[Entry]:
        """Return what explore shows the viewer next; keeps it for five minutes, as explore does."""
        listed = await self._pages.load(viewer_id)
        current = listed is not None and listed.revision == rules.revision
        if listed and current and listed.mode.personalised and listed.rest:
            unseen = await self._candidates.unseen(viewer_id, [one.post_id for one in listed.rest])
            return [one for one in listed.rest if one.post_id in unseen]
        now_ms = ms_of(self._clock.now())
        rest = built(await self._candidates.collect(viewer_id, Mode(), rules, (), now_ms))
        if not current:
            made = PageList(secrets.token_hex(6), Mode(), rules.revision, now_ms + LIST_MS, rest=tuple(rest))
            await self._pages.save(viewer_id, made)
        return rest

    async def show(self, viewer_id: int, suggested: Sequence[Suggested]) -> Sequence[Explored]:
        """Return those of the posts that the viewer may and wants to be shown now, by the rules of explore's own pages.
        They count as shown. Idempotent."""
        rules = await self._preferences.home_rules(viewer_id)
        if rules is None:
            return []
        infos = await self._reader.posts([one.post_id for one in suggested])
        public = await self._reader.public({info.author_id for info in infos.values()})
        avoided = await self._reader.muted(viewer_id)
        oldest_ms = ms_of(self._clock.now()) - SHOWABLE_MS
        entries = [
            Entry(one.post_id, info.author_id, info.tags, one.source, one.about)
            for one in suggested
            if (info := infos.get(one.post_id))
            and info.published_ms >= oldest_ms
            and info.author_id in public
            and info.author_id not in avoided
        ]
        shown = await visible(self._sights, viewer_id, entries, rules)
        await self._pages.mark_shown(viewer_id, [one.entry for one in shown.values()])
        for one in shown.values():
            SHOWN.labels(one.entry.source).inc()
        return list(shown.values())
