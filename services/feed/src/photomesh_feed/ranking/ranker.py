"""Scores of candidates. `learnt` has the ranker that models replace `WeightedRanker` with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from photomesh_feed.ranking.features import Features

__all__ = ["WEIGHTS", "Ranker", "Ranking", "Viewer", "WeightedRanker"]

WEIGHTS = "weights"
"""The name of the ranking without a model, in `served`."""


class Viewer(NamedTuple):
    account_id: int
    known_impressions: int
    """How many posts were reported as seen, as far as Redis knows."""


class Ranking(NamedTuple):
    scores: Sequence[float]
    """One for each candidate, never negative; higher is better."""
    model: str
    """What ranked: the name of a model, or WEIGHTS."""


class Ranker(Protocol):
    def rank(self, viewer: Viewer, rows: Sequence[Features]) -> Ranking:
        """Never raises: a model that fails is replaced by what was there before it."""
        ...


@dataclass(frozen=True)
class WeightedRanker:
    """A weighted sum of the features. The weights are a guess: a new post and a close friend matter most, then what
    others think of the post and its topic. The author's popularity matters least, or the loudest would always be on
    top."""

    author_affinity: float = 0.30
    engagement_rate: float = 0.15
    recency: float = 0.35
    content_affinity: float = 0.15
    author_engagement: float = 0.05

    def rank(self, viewer: Viewer, rows: Sequence[Features]) -> Ranking:
        return Ranking(
            [
                self.author_affinity * one.author_affinity
                + self.engagement_rate * one.engagement_rate
                + self.recency * one.recency
                + self.content_affinity * one.content_affinity
                + self.author_engagement * one.author_engagement
                for one in rows
            ],
            WEIGHTS,
        )
