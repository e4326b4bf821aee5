"""Scores of candidates. `Ranker` is where a learnt model replaces `WeightedRanker`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from photomesh_feed.ranking.features import Candidate, Taste, features

__all__ = ["Ranker", "WeightedRanker"]


class Ranker(Protocol):
    def scores(self, candidates: Sequence[Candidate], taste: Taste) -> list[float]:
        """Returns one score for each, never negative; higher is better."""
        ...


@dataclass(frozen=True)
class WeightedRanker:
    """A weighted sum of the features. The weights are a guess, until impressions teach better ones: a new post and a
    close friend matter most, then what others think of the post and its topic. The author's popularity matters least,
    or the loudest would always be on top."""

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
