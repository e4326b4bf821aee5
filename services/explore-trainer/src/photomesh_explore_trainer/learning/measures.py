"""How good rankings and probabilities are."""

from __future__ import annotations

import numpy as np

from photomesh_explore_trainer.domain.dataset import Flags, Integers
from photomesh_shared.ranking.models import Floats

__all__ = ["dcg", "ndcg", "normalized_entropy"]


def normalized_entropy(probabilities: Floats, labels: Flags) -> float:
    """Return the mean log loss divided by that of always saying the rate (He et al., 2014): below 1 is better than
    knowing nothing."""
    rate = float(labels.mean())
    if not 0 < rate < 1:
        return 1.0
    clipped = np.clip(probabilities, 1e-6, 1 - 1e-6)
    loss = -np.where(labels, np.log(clipped), np.log(1 - clipped)).mean()
    return float(loss / -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate)))


def dcg(requests: Integers, scores: Floats, gains: Floats, *, top: int = 10) -> Floats:
    """Return the discounted gain of each request, in the order of their numbers: of its `top` posts by score. Ties keep
    the given order."""
    order = np.lexsort((-scores, requests))
    _, starts, counts = np.unique(requests[order], return_index=True, return_counts=True)
    ranks = np.arange(len(order)) - np.repeat(starts, counts)
    counted = np.where(ranks < top, gains[order] / np.log2(ranks + 2), 0.0)
    found: Floats = np.add.reduceat(counted, starts) if len(starts) else np.zeros(0)
    return found


def ndcg(requests: Integers, scores: Floats, gains: Floats, *, top: int = 10) -> float:
    """Return the gain of all requests, divided by that of the best orders.

    The division comes last: with gains weighted by how rarely a place is looked at, sums are unbiased, and the mean of
    the requests' quotients is not (Joachims et al., 2017, use sums for that reason)."""
    best = float(dcg(requests, gains, gains, top=top).sum())
    return float(dcg(requests, scores, gains, top=top).sum()) / best if best else 0.0
