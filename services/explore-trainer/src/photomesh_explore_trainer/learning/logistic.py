"""Logistic regression times the place: somebody reacts who looks at the place and likes the post.

Learnt without the place, a model repeats what the former ranking put first. Here the place explains its part, how often
it is looked at relative to the first one, and is left out when a model ranks (Guo et al., "PAL: a position-bias aware
learning framework for CTR prediction", 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from photomesh_explore_trainer.domain.dataset import POSITION_BUCKETS, Flags, Integers
from photomesh_shared.ranking.models import Floats

__all__ = ["Logistic", "fit_logistic", "sigmoid"]

_L2 = 1e-5
"""On standardized coefficients, of the mean loss."""
_RAREST = 7.0
"""A place is looked at e⁻⁷ of the time at least."""


def sigmoid(margins: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-np.clip(margins, -50, 50)))
    return found


@dataclass(frozen=True)
class Logistic:
    intercept: float
    coefficients: Floats
    looks: Floats
    """How often each bucket of positions is looked at; 1 for the first."""

    def margins(self, rows: Floats) -> Floats:
        margins: Floats = self.intercept + (rows * self.coefficients).sum(axis=1)
        return margins


def fit_logistic(
    rows: Floats, buckets: Integers, labels: Flags, *, directions: Integers, with_position: bool = True
) -> Logistic:
    """`directions`: 1 or -1 where a coefficient may not have the other sign. `with_position`: False learns from the
    posts alone, to compare."""
    scale = np.maximum(rows.std(axis=0), 1e-6)
    design = np.hstack([np.ones((len(rows), 1)), rows / scale])
    width, truth, places = design.shape[1], labels.astype(np.float64), POSITION_BUCKETS - 1

    def loss(parameters: Floats) -> tuple[float, Floats]:
        weights, rarity = parameters[:width], np.concatenate([[0.0], parameters[width:]])
        likes = sigmoid(design @ weights)
        reacts = np.clip(np.exp(-rarity)[buckets] * likes, 1e-9, 1 - 1e-9)
        error = (reacts - truth) / (1 - reacts)  # of the loss by the logarithm of what reacts
        gradient = np.empty_like(parameters)
        gradient[:width] = design.T @ (error * (1 - likes)) / len(rows)
        gradient[1:width] += 2 * _L2 * weights[1:]
        gradient[width:] = -np.bincount(buckets, weights=error, minlength=places + 1)[1:] / len(rows)
        losses = -np.where(labels, np.log(reacts), np.log1p(-reacts))
        return float(losses.mean() + _L2 * (weights[1:] ** 2).sum()), gradient

    rate = np.clip(truth.mean(), 1e-6, 1 - 1e-6)
    start = np.zeros(width + places)
    start[0] = np.log(rate / (1 - rate))
    of_features = [(0 if sign > 0 else None, 0 if sign < 0 else None) for sign in directions]
    of_places = [(0.0, _RAREST if with_position else 0.0)] * places
    bounds = [(None, None), *of_features, *of_places]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}).x
    looks: Floats = np.exp(-np.concatenate([[0.0], found[width:]]))
    deepest = int(buckets.max(initial=0))
    looks[deepest + 1 :] = looks[deepest]  # nothing is known of deeper places
    return Logistic(float(found[0]), found[1:width] / scale, looks)
