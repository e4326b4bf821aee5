"""The ranked feed: an order that is made once, and then read page by page.

The newest CANDIDATES posts are put in order (`ranking`), and the order is kept for ten minutes, so that its pages
neither repeat nor skip whatever is liked or posted meanwhile. Behind its last page the feed goes on chronologically,
from the last candidate on.

Ranking 200 candidates takes 0.7 ms, and reading them takes Redis some 2 ms; so a first page gives the order that was
made for the viewer within the last minute, unless a newer post is in their list. A pulled author's newest post may be
missing from it for that minute.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from photomesh_feed.domain.affinity import decayed
from photomesh_feed.domain.pages import MS_BITS, Page, Row
from photomesh_feed.errors import RankingExpired, SourceUnavailable
from photomesh_feed.ranking.ranker import Candidate, Ranker, Taste, arrange
from photomesh_feed.reading.chronological import Hydration, Reading, Reads
from photomesh_feed.reading.metrics import READS
from photomesh_feed.store.reader import Candidates, Found, Ranked
from photomesh_shared.clock import Clock
from photomesh_shared.ids import EPOCH

__all__ = ["Place", "RankedPage", "RankedReading"]

CANDIDATES = 200
_FRESH_SECONDS = 60
_KEPT_SECONDS = 600
_ATTEMPTS = 3
_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Place:
    """In an order, by its name; behind it, the feed goes on from `last`."""

    name: str
    index: int
    last: int


@dataclass(frozen=True)
class RankedPage:
    """A page, and where the next begins: in the order, behind a post of the chronological feed, or nowhere."""

    rows: Sequence[Row]
    next: Place | int | None


class RankedReading:
    def __init__(self, reads: Reads, hydration: Hydration, reading: Reading, ranker: Ranker, clock: Clock) -> None:
        self._reads = reads
        self._hydration = hydration
        self._reading = reading
        self._ranker = ranker
        self._clock = clock

    async def first(self, viewer: int, limit: int) -> RankedPage:
        """Raises as `Reading.chronological`."""
        for _ in range(_ATTEMPTS):
            page = await self._page(viewer, "", 0, limit)
            if page is not None:
                return page
            candidates = await self._candidates(viewer)
            if candidates.ended == "cold":
                # What is newest is the best that can be told at once; the order is made when the list is there.
                READS.labels("ranked", "cold").inc()
                return _on(await self._reading.chronological(viewer, None, limit))
            if not candidates.posts:
                return _on(await self._reading.chronological(viewer, None, limit))
            await self._arrange(viewer, candidates, limit)
        raise SourceUnavailable("The order does not stay in Redis.")

    async def next(self, viewer: int, place: Place, limit: int) -> RankedPage:
        """Raises RankingExpired, and as `Reading.chronological`."""
        page = await self._page(viewer, place.name, place.index, limit)
        if page is None:
            raise RankingExpired
        return page

    async def _page(self, viewer: int, name: str, index: int, limit: int) -> RankedPage | None:
        latest: Ranked | None = None

        async def read(absent: Collection[int]) -> Found:
            nonlocal latest
            latest = await self._reads.ranked(viewer, name, index, limit, absent)
            return latest.found

        found = await self._hydration.whole(viewer, read)
        assert latest is not None
        if found.ended in ("cold", "gone"):
            return None
        READS.labels("ranked", "warm").inc()
        if found.ended == "more":
            return RankedPage(found.rows, Place(latest.name, latest.next, latest.last))
        if found.rows or latest.last == 0:
            return RankedPage(found.rows, latest.last or None)
        return _on(await self._reading.chronological(viewer, latest.last, limit))

    async def _candidates(self, viewer: int) -> Candidates:
        absent: set[int] = set()
        for _ in range(_ATTEMPTS):
            candidates = await self._reads.candidates(viewer, CANDIDATES, absent)
            if not candidates.missing:
                return candidates
            absent |= await self._hydration.load(candidates.missing)
        raise SourceUnavailable("Posts do not stay in Redis.")

    async def _arrange(self, viewer: int, found: Candidates, limit: int) -> None:
        now_ms = (self._clock.now() - EPOCH) // timedelta(milliseconds=1)
        candidates = [
            Candidate(
                post_id=post,
                author_id=author,
                age_hours=max(0.0, (now_ms - (post >> MS_BITS)) / _HOUR_MS),
                likes=likes,
                comments=comments,
                hashtags=tuple(hashtags.split()),
                affinity=decayed(affinity, now_ms),
            )
            for post, author, likes, comments, hashtags, affinity in found.posts
        ]
        taste = Taste(Counter(tag for text in found.liked_hashtags for tag in text.split()))
        entries: list[str] = []
        for page in arrange(candidates, self._ranker.scores(candidates, taste), limit):
            entries += [*map(str, page), "|"]
        await self._reads.keep_order(
            viewer,
            secrets.token_urlsafe(6),
            entries,
            head=found.head,
            limit=limit,
            last=found.last if found.ended != "end" and found.last else 0,
            fresh=_FRESH_SECONDS,
            kept=_KEPT_SECONDS,
        )


def _on(page: Page) -> RankedPage:
    return RankedPage(page.rows, page.after)
