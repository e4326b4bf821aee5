"""Explore's index in memory: what `ExploreIndex` and `CandidateReader` keep in Redis, with the same bounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from photomesh_explore.candidates.domain import Engagement, PostInfo, Trend
from photomesh_explore.candidates.scoring import Due, Scored
from photomesh_explore.pages.seen import FILTER_BITS, positions_of
from photomesh_explore.store.keys import MAX_ENGAGED, MAX_LIKERS

__all__ = ["MemoryIndex"]

T = TypeVar("T")
_FOLLOWERS = 100
"""Of every account: all are trusted alike."""
_MAX_TAGGED, _MAX_TRENDING = 300, 2_000


class MemoryIndex:
    def __init__(self) -> None:
        self._infos: dict[int, PostInfo] = {}
        self._likers: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._engaged: defaultdict[int, dict[int, Engagement]] = defaultdict(dict)
        self._seen: defaultdict[int, bytearray] = defaultdict(lambda: bytearray(FILTER_BITS // 8))
        self._of_author: defaultdict[int, list[int]] = defaultdict(list)
        self._of_tag: defaultdict[str, list[int]] = defaultdict(list)
        self._due: dict[int, None] = {}
        self._scores: dict[int, float] = {}
        self._neighbours: dict[int, Sequence[tuple[int, float]]] = {}

    # What happens

    def publish(self, info: PostInfo) -> None:
        """Add a post, which must be newer than all others."""
        self._infos[info.post_id] = info
        self._of_author[info.author_id].insert(0, info.post_id)
        for tag in info.tags:
            self._of_tag[tag].insert(0, info.post_id)

    def show(self, account_id: int, post_id: int) -> None:
        for position in positions_of(post_id):
            self._seen[account_id][position // 8] |= 0x80 >> position % 8

    def like(self, account_id: int, post_id: int, at_ms: int) -> None:
        """Add a like, which must be newer than all others."""
        _keep(self._engaged[account_id], post_id, Engagement(post_id, at_ms), MAX_ENGAGED)
        _keep(self._likers[post_id], account_id, at_ms, MAX_LIKERS)
        self._due[post_id] = None

    # Scoring

    async def take_due(self, limit: int) -> Due:
        taken = list(self._due)[:limit]
        for post_id in taken:
            del self._due[post_id]
        return Due(taken, (), (), 0)

    async def due_count(self) -> int:
        return len(self._due)

    async def likers(self, post_ids: Collection[int]) -> Mapping[int, Mapping[int, int]]:
        return {one: self._likers[one] for one in post_ids}

    async def liker_counts(self, post_ids: Collection[int]) -> Mapping[int, int]:
        return {one: len(self._likers[one]) for one in post_ids}

    async def follower_counts(self, account_ids: Collection[int]) -> Mapping[int, int]:
        return dict.fromkeys(account_ids, _FOLLOWERS)

    async def save_scores(
        self, due: Due, posts: Mapping[int, Scored], tags: Mapping[str, Trend], cells: Mapping[str, Trend]
    ) -> None:
        for post_id, scored in posts.items():
            self._neighbours[post_id] = scored.neighbours
            self._scores.pop(post_id, None)
            if scored.score is not None:
                self._scores[post_id] = scored.score

    # Reading

    async def posts(self, post_ids: Collection[int]) -> Mapping[int, PostInfo]:
        return {one: self._infos[one] for one in post_ids if one in self._infos}

    async def posts_written(self, author_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        return {one: self._of_author[one] for one in author_ids}

    async def posts_tagged(self, tags: Collection[str]) -> Mapping[str, Sequence[int]]:
        return {one: self._of_tag[one][:_MAX_TAGGED] for one in tags}

    async def posts_in(self, cells: Collection[str]) -> Mapping[str, Sequence[int]]:
        return {}

    async def engagements(self, account_ids: Collection[int]) -> Mapping[int, Sequence[Engagement]]:
        return {one: list(self._engaged[one].values()) for one in account_ids}

    async def seen_filters(self, viewer_id: int) -> Sequence[bytes]:
        return [bytes(self._seen[viewer_id])]

    async def following(self, account_ids: Collection[int]) -> Mapping[int, Sequence[int]]:
        return {}

    async def muted(self, viewer_id: int) -> Collection[int]:
        return ()

    async def neighbours(self, post_ids: Collection[int]) -> Mapping[int, Sequence[tuple[int, float]]]:
        return {one: self._neighbours.get(one, ()) for one in post_ids}

    async def trending(self) -> Sequence[int]:
        return sorted(self._scores, key=lambda one: -self._scores[one])[:_MAX_TRENDING]

    async def newest(self) -> Sequence[int]:
        return list(reversed(self._infos))

    async def shown_counts(self, author_ids: Collection[int]) -> Mapping[int, int]:
        return {}


def _keep(pairs: dict[int, T], key: int, value: T, most: int) -> None:
    pairs[key] = value
    if len(pairs) > most:
        del pairs[next(iter(pairs))]
