"""Scores what has changed: in the background of the consumer, so that a burst of likes is scored once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from photomesh_explore.candidates.domain import (
    MIN_PAIRED,
    Engagement,
    Like,
    PostInfo,
    Trend,
    account_weight,
    expected_likes,
    neighbours,
    score_of,
    trend_of,
)
from photomesh_explore.metrics import SCORES_DUE
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable

__all__ = ["Due", "Scored", "Scorer", "ScoringIndex"]

log = logging.getLogger(__name__)

_MAX_TAKEN = 50
_SAMPLE = 100
_OTHER_POSTS = 10


@dataclass(frozen=True)
class Due:
    """What was taken to be scored; `lease` says by which call."""

    posts: Sequence[int]
    tags: Sequence[str]
    cells: Sequence[str]
    lease: int

    def __bool__(self) -> bool:
        return bool(self.posts or self.tags or self.cells)


@dataclass(frozen=True)
class Scored:
    """Of a post, None: it does not trend."""

    score: float | None
    neighbours: Sequence[tuple[int, float]] = ()


class ScoringIndex(Protocol):
    """See `store.index.ExploreIndex`. Every method raises ExploreUnavailable."""

    async def take_due(self, limit: int) -> Due: ...
    async def due_count(self) -> int: ...
    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]: ...
    async def posts_written(self, author_ids: Collection[int]) -> Mapping[int, Sequence[int]]: ...
    async def posts_tagged(self, tags: Collection[str]) -> Mapping[str, Sequence[int]]: ...
    async def posts_in(self, cells: Collection[str]) -> Mapping[str, Sequence[int]]: ...
    async def likers(self, post_ids: Collection[int]) -> Mapping[int, Mapping[int, int]]: ...
    async def liker_counts(self, post_ids: Collection[int]) -> Mapping[int, int]: ...
    async def engagements(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Engagement]]: ...
    async def follower_counts(self, account_ids: Collection[int]) -> Mapping[int, int]: ...
    async def save_scores(
        self,
        due: Due,
        posts: Mapping[int, Scored],
        tags: Mapping[str, Trend],
        cells: Mapping[str, Trend],
    ) -> None: ...


class Scorer:
    def __init__(self, index: ScoringIndex, clock: Clock, *, interval_seconds: float) -> None:
        self._index = index
        self._clock = clock
        self._interval = interval_seconds

    async def run(self) -> None:
        """Scores for ever. What several processes take at the same time, they score alike."""
        while True:
            try:
                while await self.score():
                    pass
                SCORES_DUE.set(await self._index.due_count())
            except Unavailable as error:
                log.warning("scores are late", extra={"reason": repr(error)})
            await self._clock.sleep(self._interval)

    async def score(self) -> bool:
        """Scores what is due. Returns whether there was anything. What a crash interrupts is due again when its lease
        is over. Raises Unavailable."""
        due = await self._index.take_due(_MAX_TAKEN)
        if not due:
            return False
        infos = await self._index.posts(due.posts)
        scored = {post_id: await self._score_post(info) for post_id, info in infos.items()}
        tags = await self._index.posts_tagged(due.tags)
        cells = await self._index.posts_in(due.cells)
        await self._index.save_scores(
            due,
            scored,
            {tag: trend for tag, ids in tags.items() if (trend := await self._trend(ids))},
            {cell: trend for cell, ids in cells.items() if (trend := await self._trend(ids))},
        )
        return True

    async def _score_post(self, info: PostInfo) -> Scored:
        at = (await self._index.likers([info.post_id])).get(info.post_id, {})
        latest = sorted(at, key=lambda one: -at[one])
        followers = await self._index.follower_counts([info.author_id, *latest])
        engaged = await self._index.engagements(latest[:_SAMPLE])
        liked = {account_id: [one for one in found if not one.saved] for account_id, found in engaged.items()}
        written = (await self._index.posts_written([info.author_id])).get(info.author_id, ())
        of_author = set(written)
        weighted = [
            Like(
                account_id,
                at[account_id],
                account_weight(
                    account_id,
                    followers.get(account_id, 0),
                    at[account_id],
                    _share_of(of_author, liked.get(account_id, ())),
                ),
            )
            for account_id in latest
        ]
        paired = Counter(one.post_id for found in liked.values() for one in found)
        others = [post_id for post_id in written if post_id != info.post_id][:_OTHER_POSTS]
        counts = await self._index.liker_counts(
            {*others, *(post_id for post_id, accounts in paired.items() if accounts >= MIN_PAIRED)}
        )
        expected = expected_likes(followers.get(info.author_id, 0), [counts.get(one, 0) for one in others])
        return Scored(score_of(weighted, expected), neighbours(info.post_id, weighted, liked, counts))

    async def _trend(self, post_ids: Sequence[int]) -> Trend | None:
        posts = (await self._index.posts(post_ids)).values()
        return trend_of(posts, await self._index.follower_counts({post.author_id for post in posts}))


def _share_of(written: Collection[int], liked: Sequence[Engagement]) -> float:
    """Return the share of likes that go to an author, who wrote `written`, without the one in question."""
    others = len(liked) - 1
    if others <= 0:
        return 0.0
    return max(0, sum(one.post_id in written for one in liked) - 1) / others
