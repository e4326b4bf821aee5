"""Scores of candidates. `learnt` has the ranker that models replace `WeightedRanker` with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from photomesh_feed.ranking.features import Features
from photomesh_shared.ranking.features import WEIGHTS

__all__ = ["BY_WEIGHTS", "Ranker", "Ranking", "Viewer", "WeightedRanker"]

BY_WEIGHTS = "weights"
"""The name of the ranking without a model, in `served`."""


class Viewer(NamedTuple):
    account_id: int
    known_impressions: int
    """How many posts were reported as seen, as far as Redis knows."""


class Ranking(NamedTuple):
    scores: Sequence[float]
    """One for each candidate, never negative; higher is better."""
    model: str
    """What ranked: the name of a model, or BY_WEIGHTS."""


class Ranker(Protocol):
    def rank(self, viewer: Viewer, rows: Sequence[Features]) -> Ranking:
        """Never raises: a model that fails is replaced by what was there before it."""
        ...


class WeightedRanker:
    """A weighted sum of the features."""

    def rank(self, viewer: Viewer, rows: Sequence[Features]) -> Ranking:
        affinity, rate, recency, content, author = WEIGHTS
        return Ranking(
            [
                affinity * one.author_affinity
                + rate * one.engagement_rate
                + recency * one.recency
                + content * one.content_affinity
                + author * one.author_engagement
                for one in rows
            ],
            BY_WEIGHTS,
        )
