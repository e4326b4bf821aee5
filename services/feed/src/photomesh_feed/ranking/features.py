"""Features of candidates, in the columns of `photomesh_shared.ranking.features`."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from photomesh_feed.domain.affinity import decayed
from photomesh_feed.domain.candidates import StoredCandidate
from photomesh_feed.domain.order import MS_BITS

__all__ = ["Candidate", "Features", "Taste", "features"]

_HOUR_MS = 3_600_000
_HALF_LIFE_HOURS = 24.0
_COMMENT_WEIGHT = 2  # a comment is more effort than a like
_USUAL_AFFINITY, _USUAL_RATE, _USUAL_ENGAGEMENT, _USUAL_HASHTAGS = 5.0, 5.0, 20.0, 2.0
_LEAST_HOURS = 2.0  # a younger post counts as so old, or its first like would decide


@dataclass(frozen=True)
class Candidate:
    post_id: int
    author_id: int
    age_hours: float
    likes: int
    comments: int
    hashtags: tuple[str, ...]
    affinity: float
    """Of the viewer to the author, in likes of a post made now."""

    @classmethod
    def of(cls, stored: StoredCandidate, now_ms: int) -> Candidate:
        """`now_ms` is in the milliseconds of ids."""
        return cls(
            post_id=stored.post_id,
            author_id=stored.author_id,
            age_hours=max(0.0, (now_ms - (stored.post_id >> MS_BITS)) / _HOUR_MS),
            likes=stored.likes,
            comments=stored.comments,
            hashtags=tuple(stored.hashtags.split()),
            affinity=decayed(stored.affinity, now_ms),
        )


@dataclass(frozen=True)
class Taste:
    """Hashtags of posts that the viewer liked lately, with how many of the posts had each."""

    hashtags: Mapping[str, int]

    @classmethod
    def of(cls, liked_hashtags: Iterable[str]) -> Taste:
        """Takes the hashtags of each liked post, separated by spaces."""
        return cls(Counter(tag for text in liked_hashtags for tag in text.split()))


class Features(NamedTuple):
    """The first five are from 0 to 1: unbounded values become x / (x + usual value), half at the usual value. The last
    three are for models alone: natural logarithms of 1 + the number."""

    author_affinity: float
    """Likes and comments of the viewer on the author's posts, lately."""
    engagement_rate: float
    """Likes and comments an hour."""
    recency: float
    """Halves each day."""
    content_affinity: float
    """How often the viewer liked posts with the same hashtags."""
    author_engagement: float
    """Likes and comments of the author's candidates on average."""
    log_likes: float
    log_comments: float
    log_age_hours: float


def features(candidates: Sequence[Candidate], taste: Taste) -> list[Features]:
    totals: dict[int, list[int]] = defaultdict(list)
    for one in candidates:
        totals[one.author_id].append(_engagement(one))
    averages = {author: sum(counts) / len(counts) for author, counts in totals.items()}
    return [
        Features(
            author_affinity=_squashed(one.affinity, _USUAL_AFFINITY),
            engagement_rate=_squashed(_engagement(one) / max(one.age_hours, _LEAST_HOURS), _USUAL_RATE),
            recency=math.exp2(-one.age_hours / _HALF_LIFE_HOURS),
            content_affinity=_squashed(sum(taste.hashtags.get(tag, 0) for tag in one.hashtags), _USUAL_HASHTAGS),
            author_engagement=_squashed(averages[one.author_id], _USUAL_ENGAGEMENT),
            log_likes=math.log1p(one.likes),
            log_comments=math.log1p(one.comments),
            log_age_hours=math.log1p(one.age_hours),
        )
        for one in candidates
    ]


def _engagement(candidate: Candidate) -> int:
    return candidate.likes + _COMMENT_WEIGHT * candidate.comments


def _squashed(value: float, usual: float) -> float:
    return value / (value + usual) if value > 0 else 0.0
