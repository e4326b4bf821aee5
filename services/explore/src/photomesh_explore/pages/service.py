"""Use cases: the next page, and why a post was on one.

A list of candidates is kept for five minutes, and every post is checked by post before it is shown, by the rules of any
other read. What is taken out is replaced, so that a page is full while there are candidates.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from photomesh_explore.candidates.domain import ms_of
from photomesh_explore.errors import NotShownLately
from photomesh_explore.feedback.domain import Rules
from photomesh_explore.metrics import SHORT_PAGES, SHOWN
from photomesh_explore.pages.domain import Candidate, Mode, PageRules
from photomesh_explore.pages.sources import Candidates
from photomesh_shared.clock import Clock
from photomesh_shared.internal_api.post import SeenAccount, SeenPost

__all__ = [
    "LIST_MS",
    "Entry",
    "ExplorePage",
    "ExploreService",
    "Explored",
    "PageList",
    "PageStore",
    "RulesOf",
    "Sights",
    "built",
    "visible",
]

LIST_MS = 300_000
"""How long a list is kept."""
_MAX_BUILDS = 3
_MAX_CHECKS = 6
_CHECKED_AT_ONCE = 60
_MAX_PAGES = 20
_MAX_DROPPED = 7_000


@dataclass(frozen=True)
class Entry:
    """A candidate in a list. `about`: the hashtag that it is due to, if any."""

    post_id: int
    author_id: int
    tags: tuple[str, ...]
    source: str
    about: str = ""


@dataclass(frozen=True)
class PageList:
    """What a viewer was shown in the last minutes, page by page, and what is left."""

    id: str
    mode: Mode
    revision: int
    until_ms: int
    """When it ends, so that what is new is shown soon."""
    pages: tuple[tuple[Entry, ...], ...] = ()
    rest: tuple[Entry, ...] = ()
    dropped: tuple[int, ...] = ()
    """What the viewer may not see: it is not looked at again."""


@dataclass(frozen=True)
class Explored:
    entry: Entry
    post: SeenPost
    author: SeenAccount


@dataclass(frozen=True)
class ExplorePage:
    """`next_position`: None if there is nothing left."""

    items: list[Explored]
    next_position: tuple[str, int] | None


class PageStore(Protocol):
    """See `store.pages.PageStore`. Every method raises ExploreUnavailable."""

    async def load(self, viewer_id: int) -> PageList | None: ...
    async def save(self, viewer_id: int, listed: PageList) -> None: ...
    async def mark_shown(self, viewer_id: int, entries: Sequence[Entry]) -> None: ...
    async def why(self, viewer_id: int, post_id: int) -> tuple[str, str] | None: ...


class Sights(Protocol):
    """See `clients.PostClient`. Leaves out what the viewer may not see. Raises ExploreUnavailable."""

    async def look(
        self, viewer_id: int, post_ids: Collection[int], account_ids: Collection[int]
    ) -> tuple[dict[int, SeenPost], dict[int, SeenAccount]]: ...


class RulesOf(Protocol):
    """See `feedback.service.FeedbackService`."""

    async def rules(self, account_id: int) -> Rules: ...


def built(candidates: Collection[Candidate]) -> list[Entry]:
    return [Entry(one.post.post_id, one.post.author_id, one.post.tags, one.source, one.about) for one in candidates]


async def visible(sights: Sights, viewer_id: int, entries: Sequence[Entry], rules: Rules) -> dict[int, Explored]:
    """Return those that the viewer may see now, of accounts that it does not follow, without what it hides."""
    wanted = [one for one in entries if not rules.hides(one.post_id, one.author_id, one.tags)]
    if not wanted:
        return {}
    posts, accounts = await sights.look(viewer_id, [one.post_id for one in wanted], {one.author_id for one in wanted})
    found = {}
    for one in wanted:
        author = accounts.get(one.author_id)
        if one.post_id in posts and author and not author.followed and one.author_id != viewer_id:
            found[one.post_id] = Explored(one, posts[one.post_id], author)
    return found


class ExploreService:
    """Every method raises ExploreUnavailable."""

    def __init__(
        self, candidates: Candidates, pages: PageStore, sights: Sights, feedback: RulesOf, clock: Clock
    ) -> None:
        self._candidates = candidates
        self._pages = pages
        self._sights = sights
        self._feedback = feedback
        self._clock = clock

    async def page(self, viewer_id: int, mode: Mode, position: tuple[str, int] | None, limit: int) -> ExplorePage:
        """Return the page at a position, or the next one of what was not shown yet. A page that was shown in the last
        minutes is the same again, without what the viewer may not see any more."""
        rules = await self._feedback.rules(viewer_id)
        listed = await self._pages.load(viewer_id)
        if (
            listed is None
            or listed.mode != mode
            or listed.revision != rules.revision
            or len(listed.pages) >= _MAX_PAGES
        ):
            until_ms = ms_of(self._clock.now()) + LIST_MS
            listed = PageList(secrets.token_hex(6), mode, rules.revision, until_ms)
        elif position and position[0] == listed.id and position[1] < len(listed.pages):
            number = position[1]
            again = listed.pages[number]
            shown = await visible(self._sights, viewer_id, again, rules)
            more = number + 1 < len(listed.pages) or listed.rest
            return ExplorePage(list(shown.values()), (listed.id, number + 1) if more or again else None)
        return await self._fill(viewer_id, listed, rules, limit)

    async def _fill(self, viewer_id: int, listed: PageList, rules: Rules, limit: int) -> ExplorePage:
        page = PageRules(limit)
        chosen: dict[int, Explored] = {}
        # The home feed may have shown some of it meanwhile.
        unseen = await self._candidates.unseen(viewer_id, [one.post_id for one in listed.rest])
        waiting, deferred = [one for one in listed.rest if one.post_id in unseen], list[Entry]()
        dropped = dict.fromkeys(listed.dropped)
        checks = builds = 0
        exhausted = False
        while len(chosen) < limit and checks < _MAX_CHECKS:
            if not waiting:
                if builds == _MAX_BUILDS or exhausted:
                    break
                builds += 1
                excluded = {*(one.post_id for one in deferred), *chosen, *dropped}
                waiting = await self._build(viewer_id, listed.mode, rules, excluded)
                exhausted = not waiting
                continue
            batch, waiting = waiting[:_CHECKED_AT_ONCE], waiting[_CHECKED_AT_ONCE:]
            checks += 1
            seen_now = await visible(self._sights, viewer_id, batch, rules)
            for number, entry in enumerate(batch):
                if len(chosen) == limit:
                    waiting = batch[number:] + waiting
                    break
                seen = seen_now.get(entry.post_id)
                if seen is None:
                    dropped[entry.post_id] = None
                elif page.admit(entry.author_id, entry.tags):
                    chosen[entry.post_id] = seen
                else:
                    deferred.append(entry)
        # What did not fit on this page comes first on the next.
        rest = tuple(deferred + waiting)
        shown = [one.entry for one in chosen.values()]
        await self._pages.mark_shown(viewer_id, shown)
        pages = (*listed.pages, tuple(shown))
        left_out = tuple(dropped)[-_MAX_DROPPED:]
        await self._pages.save(viewer_id, replace(listed, pages=pages, rest=rest, dropped=left_out))
        for entry in shown:
            SHOWN.labels(entry.source).inc()
        if len(chosen) < limit:
            SHORT_PAGES.inc()
        ended = exhausted and not rest
        return ExplorePage(list(chosen.values()), None if ended else (listed.id, len(pages)))

    async def _build(self, viewer_id: int, mode: Mode, rules: Rules, excluded: Collection[int]) -> list[Entry]:
        now_ms = ms_of(self._clock.now())
        return built(await self._candidates.collect(viewer_id, mode, rules, excluded, now_ms))

    async def why(self, viewer_id: int, post_id: int) -> tuple[str, str, SeenAccount]:
        """Return from which source a post was shown in the last days, what it was due to, and its author. Raises
        NotShownLately."""
        why = await self._pages.why(viewer_id, post_id)
        if why is None:
            raise NotShownLately
        posts, _ = await self._sights.look(viewer_id, [post_id], [])
        if post_id not in posts:
            raise NotShownLately
        author_id = posts[post_id].author_id
        _, accounts = await self._sights.look(viewer_id, [], [author_id])
        if author_id not in accounts:
            raise NotShownLately
        return why[0], why[1], accounts[author_id]
