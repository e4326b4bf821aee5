"""Candidates, and the order in which they are shown. Pure."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeVar

from photomesh_explore.candidates.domain import DAY_MS, Engagement, PostInfo
from photomesh_explore.feedback.domain import Rules

__all__ = [
    "LIST_SIZE",
    "Candidate",
    "Interests",
    "Mode",
    "PageRules",
    "Source",
    "diversified",
    "interests_of",
    "ranked",
    "with_quotas",
]

LIST_SIZE = 300
K = TypeVar("K")
_INTEREST_HALF_LIFE_MS = 7 * DAY_MS
_SAVE_WEIGHT = 2.0
_MAX_TAGS, _MAX_AUTHORS = 8, 10
_AFFINITY, _FRESH = 0.5, 0.3
_FRESH_HALF_LIFE_MS = DAY_MS
_AUTHOR_DECAY, _AUTHOR_FLOOR = 0.5, 0.25
_TAG_DECAY, _TAG_FLOOR = 0.9, 0.8


class Source(StrEnum):
    """Where a candidate comes from, which is also why it is shown."""

    TOGETHER = "liked_together"
    AUTHOR = "author_you_like"
    TAG = "hashtag_you_like"
    CHOSEN = "hashtag_you_chose"
    FOLLOWEES = "followed_by_followees"
    NEAR = "near_what_you_like"
    TRENDING = "trending"
    FRESH = "new"


QUOTAS: Mapping[Source, float] = {
    Source.TOGETHER: 0.20,
    Source.AUTHOR: 0.15,
    Source.TAG: 0.15,
    Source.CHOSEN: 0.15,
    Source.FOLLOWEES: 0.10,
    Source.NEAR: 0.05,
    Source.TRENDING: 0.15,
    Source.FRESH: 0.05,
}
"""The share of each source; what one lacks goes to the others."""

_WEIGHTS: Mapping[Source, float] = {
    Source.TOGETHER: 5.0,
    Source.AUTHOR: 0.6,
    Source.TAG: 0.35,
    Source.CHOSEN: 0.8,
    Source.FOLLOWEES: 0.6,
    Source.NEAR: 0.5,
    Source.TRENDING: 0.5,
    Source.FRESH: 0.3,
}
"""What a post is worth that stands best in a source; those of all sources that have it add up."""


@dataclass(frozen=True)
class Mode:
    """What pages were asked for. `interests`: hashtags that a new account chose."""

    personalised: bool = True
    interests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A post that could be shown. `strength`: 0–1, how well it stands in its source; `strengths`: in all sources that
    have it. `about`: the hashtag that it is due to, if any."""

    post: PostInfo
    source: Source
    strength: float
    about: str = ""
    strengths: Mapping[Source, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Interests:
    """What an account likes, by hashtag and author: counts that halve within a week, the highest first."""

    tags: Mapping[str, float] = field(default_factory=dict)
    authors: Mapping[int, float] = field(default_factory=dict)
    cells: Sequence[str] = ()


def interests_of(engaged: Iterable[Engagement], infos: Mapping[int, PostInfo], now_ms: int) -> Interests:
    tags: dict[str, float] = {}
    authors: dict[int, float] = {}
    cells: dict[str, float] = {}
    for one in engaged:
        info = infos.get(one.post_id)
        if info is None:
            continue
        worth = (_SAVE_WEIGHT if one.saved else 1.0) * 0.5 ** (max(0, now_ms - one.at_ms) / _INTEREST_HALF_LIFE_MS)
        authors[info.author_id] = authors.get(info.author_id, 0.0) + worth
        for tag in info.tags:
            tags[tag] = tags.get(tag, 0.0) + worth / math.sqrt(len(info.tags))
        if info.cell:
            cells[info.cell] = cells.get(info.cell, 0.0) + worth
    return Interests(_highest(tags, _MAX_TAGS), _highest(authors, _MAX_AUTHORS), list(_highest(cells, 2)))


def _highest(counts: Mapping[K, float], most: int) -> dict[K, float]:
    return dict(sorted(counts.items(), key=lambda one: (-one[1], str(one[0])))[:most])


def with_quotas(found: Mapping[Source, Sequence[Candidate]], size: int = LIST_SIZE) -> list[Candidate]:
    """Return each post once, from the source in which it stands best, with each source's share while it lasts."""
    strengths: dict[int, dict[Source, float]] = {}
    for source, candidates in found.items():
        for one in candidates:
            strengths.setdefault(one.post.post_id, {})[source] = one.strength
    taken: dict[int, Candidate] = {}
    places = dict.fromkeys(found, 0)
    shares = {source: QUOTAS[source] for source, candidates in found.items() if candidates}
    while shares and len(taken) < size:
        room = size - len(taken)
        total = sum(shares.values())
        for source in list(shares):
            wanted = max(1, round(room * shares[source] / total))
            candidates = found[source]
            while wanted and places[source] < len(candidates) and len(taken) < size:
                one = candidates[places[source]]
                places[source] += 1
                if one.post.post_id not in taken:
                    taken[one.post.post_id] = one
                    wanted -= 1
            if places[source] >= len(candidates):
                del shares[source]
    return [replace(one, strengths=strengths[post_id]) for post_id, one in taken.items()]


def ranked(
    candidates: Collection[Candidate], interests: Interests, rules: Rules, now_ms: int
) -> list[tuple[float, Candidate]]:
    """Return the candidates with their scores, the best first."""
    most_tag = max(interests.tags.values(), default=1.0)
    most_author = max(interests.authors.values(), default=1.0)

    def score(one: Candidate) -> float:
        post = one.post
        affinity = 0.5 * interests.authors.get(post.author_id, 0.0) / most_author
        affinity += 0.5 * max((interests.tags.get(tag, 0.0) for tag in post.tags), default=0.0) / most_tag
        fresh: float = 0.5 ** (max(0, now_ms - post.published_ms) / _FRESH_HALF_LIFE_MS)
        found = sum(_WEIGHTS[source] * (0.3 + 0.7 * strength) for source, strength in one.strengths.items())
        total = found + _AFFINITY * affinity + _FRESH * fresh
        return total * rules.factor(post.author_id, post.tags)

    return sorted(((score(one), one) for one in candidates), key=lambda pair: (-pair[0], -pair[1].post.post_id))


def diversified(scored: Iterable[tuple[float, Candidate]]) -> list[Candidate]:
    """Reorder greedily: every further post of an author, or of a hashtag, counts less than the one before."""
    authors: dict[int, int] = {}
    tags: dict[str, int] = {}

    def worth(score: float, post: PostInfo) -> float:
        by_author: float = max(_AUTHOR_FLOOR, _AUTHOR_DECAY ** authors.get(post.author_id, 0))
        by_tag: float = max(_TAG_FLOOR, _TAG_DECAY ** max((tags.get(tag, 0) for tag in post.tags), default=0))
        return score * by_author * by_tag

    waiting = [(-score, number, score, one) for number, (score, one) in enumerate(scored)]
    heapq.heapify(waiting)
    order: list[Candidate] = []
    while waiting:
        known, number, score, one = heapq.heappop(waiting)
        now = worth(score, one.post)
        if waiting and -now > waiting[0][0] and -now > known:
            heapq.heappush(waiting, (-now, number, score, one))  # it has become less since; the next may be better
            continue
        order.append(one)
        authors[one.post.author_id] = authors.get(one.post.author_id, 0) + 1
        for tag in one.post.tags:
            tags[tag] = tags.get(tag, 0) + 1
    return order


class PageRules:
    """What a page may have: two posts of an author, and three in ten with the same hashtag."""

    def __init__(self, limit: int) -> None:
        self._most_of_tag = max(1, limit * 3 // 10)
        self._authors: dict[int, int] = {}
        self._tags: dict[str, int] = {}

    def admit(self, author_id: int, tags: Collection[str]) -> bool:
        """Whether a post fits; if it does, it is on the page from now on."""
        if self._authors.get(author_id, 0) >= 2 or any(self._tags.get(tag, 0) >= self._most_of_tag for tag in tags):
            return False
        self._authors[author_id] = self._authors.get(author_id, 0) + 1
        for tag in tags:
            self._tags[tag] = self._tags.get(tag, 0) + 1
        return True
