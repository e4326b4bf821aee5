"""The order of a ranked feed: features, a score, and room for everybody.

`Ranker` is the seam: whatever scores candidates takes the place of `WeightedRanker`, a learnt model too. What comes
before (candidates) and after (diversity, pages) stays.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Candidate", "Features", "Ranker", "Taste", "WeightedRanker", "arrange", "features"]


@dataclass(frozen=True)
class Candidate:
    post_id: int
    author_id: int
    age_hours: float
    likes: int
    comments: int
    hashtags: tuple[str, ...]
    affinity: float
    """How much the viewer has to do with the author."""


@dataclass(frozen=True)
class Taste:
    """What the viewer likes: hashtags of posts liked lately, with how often each was."""

    hashtags: Mapping[str, int]


@dataclass(frozen=True)
class Features:
    """Of a candidate, each from 0 to 1."""

    author_affinity: float
    engagement_rate: float
    recency: float
    content_affinity: float
    author_engagement: float


class Ranker(Protocol):
    def scores(self, candidates: Sequence[Candidate], taste: Taste) -> list[float]:
        """One score for each, the higher the better, never negative."""
        ...


_HALF_LIFE_HOURS = 24.0
_COMMENT = 2  # a comment takes more than a like does
_USUAL_AFFINITY, _USUAL_RATE, _USUAL_ENGAGEMENT, _USUAL_TAGS = 5.0, 5.0, 20.0, 2.0


def features(candidates: Sequence[Candidate], taste: Taste) -> list[Features]:
    """Everything that grows without bound becomes x / (x + what is usual): half at the usual, never more than 1.

    author_affinity     likes and comments of the viewer on the author's posts, lately
    engagement_rate     likes and comments an hour; the first two hours count as two, or the first like would decide
    recency             halves each day
    content_affinity    how often the viewer liked what has the same hashtags
    author_engagement   likes and comments that the author's posts among the candidates have on average
    """
    totals: dict[int, list[int]] = defaultdict(list)
    for one in candidates:
        totals[one.author_id].append(one.likes + _COMMENT * one.comments)
    averages = {author: sum(counts) / len(counts) for author, counts in totals.items()}
    return [
        Features(
            author_affinity=_squashed(one.affinity, _USUAL_AFFINITY),
            engagement_rate=_squashed((one.likes + _COMMENT * one.comments) / max(one.age_hours, 2.0), _USUAL_RATE),
            recency=math.exp2(-one.age_hours / _HALF_LIFE_HOURS),
            content_affinity=_squashed(sum(taste.hashtags.get(tag, 0) for tag in one.hashtags), _USUAL_TAGS),
            author_engagement=_squashed(averages[one.author_id], _USUAL_ENGAGEMENT),
        )
        for one in candidates
    ]


def _squashed(value: float, usual: float) -> float:
    return value / (value + usual) if value > 0 else 0.0


@dataclass(frozen=True)
class WeightedRanker:
    """A weighted sum. The weights are a beginning, to be replaced by what impressions teach: a new post (0.35) and a
    close friend (0.30) matter most; what others think of the post (0.15) and the topic (0.15) come after that; how
    popular the author is matters least (0.05), or the loudest would always be on top."""

    author_affinity: float = 0.30
    engagement_rate: float = 0.15
    recency: float = 0.35
    content_affinity: float = 0.15
    author_engagement: float = 0.05

    def scores(self, candidates: Sequence[Candidate], taste: Taste) -> list[float]:
        return [
            self.author_affinity * one.author_affinity
            + self.engagement_rate * one.engagement_rate
            + self.recency * one.recency
            + self.content_affinity * one.content_affinity
            + self.author_engagement * one.author_engagement
            for one in features(candidates, taste)
        ]


_DECAY = 0.6
_IN_A_PAGE = 3


def arrange(candidates: Sequence[Candidate], scores: Sequence[float], page: int) -> list[list[int]]:
    """Pages of post ids, the best first.

    An author's second post in a page counts 0.6 of its score, the third 0.36, and there is no fourth: it waits for
    the next page, where the author begins afresh. So nobody is cut, and a page of few authors is short. Ties go to
    the newer post.
    """
    queues: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for one, score in zip(candidates, scores, strict=True):
        queues[one.author_id].append((score, one.post_id))
    for queue in queues.values():
        queue.sort()
    pages: list[list[int]] = []
    while queues:
        pages.append(_page(queues, page))
    return pages


def _page(queues: dict[int, list[tuple[float, int]]], size: int) -> list[int]:
    """Takes the posts of one page from the queues, whose best are last."""
    page: list[int] = []
    taken: Counter[int] = Counter()
    heads = {author: queue[-1] for author, queue in queues.items()}
    while heads and len(page) < size:
        author = max(heads, key=heads.__getitem__)
        page.append(queues[author].pop()[1])
        taken[author] += 1
        if not queues[author]:
            del queues[author], heads[author]
        elif taken[author] == _IN_A_PAGE:
            del heads[author]
        else:
            score, post = queues[author][-1]
            heads[author] = (score * _DECAY ** taken[author], post)
    return page
