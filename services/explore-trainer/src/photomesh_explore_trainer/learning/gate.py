"""Whether a model may rank: on a day after those that it learnt from and was calibrated on, it must be better than the
weights, than the model that ranks now, and than the order that was served; and no worse for those of whom little is
known: new viewers, and authors with few reactions.

Orders are compared by NDCG@10, with reactions weighted by how rarely their place is looked at: otherwise the order that
was served would be the best one by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from photomesh_explore_trainer.domain.dataset import NEW_VIEWER, Dataset, Flags
from photomesh_explore_trainer.learning.calibration import calibration_error
from photomesh_explore_trainer.learning.examination import MAX_WEIGHT
from photomesh_explore_trainer.learning.measures import dcg, ndcg, normalized_entropy
from photomesh_explore_trainer.learning.training import Trained, weighted
from photomesh_shared.ranking.features import FEATURES
from photomesh_shared.ranking.models import Floats, Model

__all__ = ["Verdict", "judge"]

_CALIBRATION_ERROR = 0.02
_SEGMENT_ENTROPY = 1.02
_SEGMENT_REQUESTS, _SEGMENT_REACTIONS = 30, 50
_AUTHOR_ENGAGEMENT = [feature.name for feature in FEATURES].index("author_engagement")


@dataclass
class Verdict:
    failures: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.failures

    def require(self, holds: bool, what: str) -> None:
        if not holds:
            self.failures.append(what)


def judge(trained: Trained, base: Model | None, day: Dataset) -> Verdict:
    verdict = Verdict()
    small = day.rows[:, _AUTHOR_ENGAGEMENT] <= np.median(day.rows[:, _AUTHOR_ENGAGEMENT]) if len(day) else np.zeros(0)
    segments = {
        "all": np.ones(len(day), dtype=np.bool_),
        "new_viewers": day.known_impressions < NEW_VIEWER,
        "small_authors": small.astype(np.bool_),
    }
    for name, chosen in segments.items():
        _compare_entropy(verdict, trained, base, day, name, chosen)
        _compare_orders(verdict, trained, base, day.where(chosen), name)
    for head in trained.model.heads:
        error = calibration_error(trained.probabilities(head, day), day.labels[head])
        verdict.figures[f"calibration_error_{head}"] = error
        verdict.require(error <= _CALIBRATION_ERROR, f"calibration of {head}: error {error:.3f}")
    return verdict


def _compare_entropy(
    verdict: Verdict, trained: Trained, base: Model | None, day: Dataset, segment: str, chosen: Flags
) -> None:
    part = day.where(chosen)
    for head in trained.model.heads:
        labels = part.labels[head]
        if labels.sum() < _SEGMENT_REACTIONS or labels.all():
            verdict.require(segment != "all", f"{head}: too few reactions to judge")
            continue
        own = normalized_entropy(trained.probabilities(head, part), labels)
        others = {"weights": normalized_entropy(trained.baselines[head].probabilities(part), labels)}
        if base is not None and head in base.heads:
            others["base"] = normalized_entropy(trained.probabilities(head, part, base), labels)
        verdict.figures[f"entropy_{segment}_{head}"] = own
        for name, other in others.items():
            verdict.figures[f"entropy_{segment}_{head}_{name}"] = other
            allowed = other if segment == "all" else other * _SEGMENT_ENTROPY
            verdict.require(own <= allowed, f"entropy of {head} for {segment}: {own:.4f}, {name} {other:.4f}")


def _compare_orders(verdict: Verdict, trained: Trained, base: Model | None, part: Dataset, segment: str) -> None:
    weights = np.minimum(1 / trained.examination(), MAX_WEIGHT)[part.buckets]
    gains = part.gains * weights
    reacting = len(np.unique(part.requests[gains > 0]))
    if reacting < _SEGMENT_REQUESTS:
        verdict.require(segment != "all", "too few requests to judge")
        return
    own = trained.model.scores(part.rows)
    orders: dict[str, Floats] = {"weights": weighted(part.rows), "served": -part.positions.astype(np.float64)}
    if base is not None:
        orders["base"] = base.scores(part.rows)
    verdict.figures[f"ndcg_{segment}"] = ndcg(part.requests, own, gains)
    for name, scores in orders.items():
        verdict.figures[f"ndcg_{segment}_{name}"] = ndcg(part.requests, scores, gains)
        differences = dcg(part.requests, own, gains) - dcg(part.requests, scores, gains)
        gain, error = float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))
        better = gain > error if segment == "all" else gain > -2 * error
        verdict.require(better, f"order for {segment}: {gain:+.4f} ± {error:.4f} against {name}")
