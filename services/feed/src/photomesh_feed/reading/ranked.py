"""The ranked feed: an order that is made once, and then read page by page.

The newest CANDIDATES posts are ordered (`ranking`), and the order is kept for ten minutes, so that its pages neither
repeat nor skip whatever is liked or posted in the meantime. After its last page the feed goes on chronologically, from
the last candidate on.

Up to one post in ten of an order is suggested by explore. Whether it is shown is decided at each page (`suggestions`).

The order's name is also the request id that its pages carry, and that impressions quote: what was served is recorded
once for all of them.

Ranking 200 candidates takes 0.7 ms, and reading them takes Redis some 2 ms. So a first page uses the order that was
made for the viewer within the last minute, unless their list has a newer post. For that minute, a pulled author's
newest post may be missing from it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection, Sequence
from random import Random, SystemRandom
from typing import Protocol

from photomesh_feed.domain.candidates import StoredCandidates
from photomesh_feed.domain.order import id_ms
from photomesh_feed.domain.pages import AfterPost, AfterRanked, FeedPage, RankedOrder
from photomesh_feed.domain.suggestions import SUGGESTION_EVERY, Suggestion
from photomesh_feed.errors import RankingExpired, SourceUnavailable
from photomesh_feed.ranking.diversity import arrange
from photomesh_feed.ranking.exploration import toss
from photomesh_feed.ranking.features import Candidate, Taste, features
from photomesh_feed.ranking.ranker import Ranker, Viewer
from photomesh_feed.reading.chronological import ChronologicalFeed
from photomesh_feed.reading.hydration import Hydrator
from photomesh_feed.reading.metrics import READS
from photomesh_feed.reading.pipeline import PagePipeline
from photomesh_feed.reading.served import Served, ServedRecorder
from photomesh_feed.reading.suggestions import Suggestions
from photomesh_shared.clock import Clock

__all__ = ["CandidateStore", "RankedFeed"]

CANDIDATES = 200
_SUGGESTIONS = CANDIDATES // (SUGGESTION_EVERY - 1)
_CURRENT_SECONDS = 60
_KEPT_SECONDS = 600
_ATTEMPTS = 3


class CandidateStore(Protocol):
    async def candidates(self, viewer: int, limit: int, absent: Collection[int]) -> StoredCandidates: ...
    async def save_order(
        self,
        viewer: int,
        name: str,
        entries: Sequence[int | Suggestion | None],
        *,
        head: str,
        limit: int,
        continuation: int,
        current_seconds: int,
        kept_seconds: int,
    ) -> None: ...


class RankedFeed:
    def __init__(
        self,
        store: CandidateStore,
        pipeline: PagePipeline,
        hydrator: Hydrator,
        chronological: ChronologicalFeed,
        suggestions: Suggestions,
        ranker: Ranker,
        served: ServedRecorder,
        clock: Clock,
        random: Random | None = None,
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._hydrator = hydrator
        self._chronological = chronological
        self._suggestions = suggestions
        self._ranker = ranker
        self._served = served
        self._clock = clock
        self._random = random or SystemRandom()

    async def first_page(self, viewer: int, limit: int) -> FeedPage:
        """Returns the first page of the latest order, which is made if need be; of the chronological feed while the
        viewer's list is being filled. Raises as `ChronologicalFeed.page`."""
        for _ in range(_ATTEMPTS):
            page = await self._page(viewer, "", 0, limit)
            if page is not None:
                return page
            finding = asyncio.create_task(self._suggestions.find(viewer, _SUGGESTIONS))
            try:
                candidates = await self._candidates(viewer)
                if candidates.outcome == "cold":
                    READS.labels("ranked", "cold").inc()
                    return await self._chronological.page(viewer, None, limit)
                if not candidates.posts:
                    return await self._chronological.page(viewer, None, limit)
                has_room = len(candidates.posts) >= SUGGESTION_EVERY - 1
                await self._make_order(viewer, candidates, await finding if has_room else (), limit)
            finally:
                finding.cancel()
        raise SourceUnavailable("The order does not stay in Redis.")

    async def next_page(self, viewer: int, position: AfterRanked, limit: int) -> FeedPage:
        """Raises RankingExpired, and as `ChronologicalFeed.page`."""
        page = await self._page(viewer, position.order, position.offset, limit)
        if page is None:
            raise RankingExpired
        return page

    async def _page(self, viewer: int, order: str, offset: int, limit: int) -> FeedPage | None:
        """Returns a page of an order; None if there is no such order."""
        page = await self._pipeline.run(viewer, RankedOrder(order, offset, limit))
        if page.next is None:
            return None
        READS.labels("ranked", "warm").inc()
        rows, reasons = await self._suggestions.rows(viewer, page)
        if page.outcome == "more":
            return FeedPage(rows, page.next, page.next.order, reasons)
        continuation = page.next.continuation
        if rows or not continuation:
            return FeedPage(rows, AfterPost(continuation) if continuation else None, page.next.order, reasons)
        return await self._chronological.page(viewer, continuation, limit)

    async def _candidates(self, viewer: int) -> StoredCandidates:
        absent: set[int] = set()
        for _ in range(_ATTEMPTS):
            candidates = await self._store.candidates(viewer, CANDIDATES, absent)
            if not candidates.missing:
                return candidates
            absent |= await self._hydrator.load_posts(candidates.missing)
        raise SourceUnavailable("Posts do not stay in Redis.")

    async def _make_order(
        self, viewer: int, found: StoredCandidates, suggestions: Sequence[Suggestion], limit: int
    ) -> None:
        now_ms = id_ms(self._clock.now())
        candidates = [Candidate.of(stored, now_ms) for stored in found.posts]
        rows = features(candidates, Taste.of(found.liked_hashtags))
        scores, model = self._ranker.rank(Viewer(viewer, found.impressions), rows)
        made = {one.post_id: (one.author_id, row) for one, row in zip(candidates, rows, strict=True)}
        suggested = {one.post_id: one for one in suggestions if one.post_id not in made}
        pages = arrange(candidates, scores, limit, list(suggested))
        coin = toss(pages[0], self._random, fixed=suggested)
        entries: list[int | Suggestion | None] = []
        for page in pages:
            entries += [*(suggested.get(post, post) for post in page), None]
        name = secrets.token_urlsafe(6)
        await self._store.save_order(
            viewer,
            name,
            entries,
            head=found.head,
            limit=limit,
            continuation=found.last if found.outcome != "end" else 0,
            current_seconds=_CURRENT_SECONDS,
            kept_seconds=_KEPT_SECONDS,
        )
        order = [post for page in pages for post in page]
        self._served.record(Served(viewer, name, model, order, made, found.impressions, coin))
