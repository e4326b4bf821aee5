"""Feeds whose truth is known: how good a post is to a viewer, and how often a place is looked at. Simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from photomesh_explore_trainer.domain.dataset import HEADS, Dataset
from photomesh_explore_trainer.learning.training import weighted
from photomesh_shared.ranking.models import Floats, matrix

__all__ = ["DAY", "NOW", "Truth", "examination", "simulate"]

DAY = 86_400.0
NOW = 1_795_250_000.0
_PAGE = 20


def examination(positions: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """The curve that learners do not know: a place is looked at 1 / (place from 1) of the time."""
    found: Floats = 1.0 / (1.0 + positions.astype(np.float64))
    return found


@dataclass(frozen=True)
class Truth:
    """What decides whether somebody who looks reacts, in the first five features. The weights favour new posts; people
    like those of friends."""

    coefficients: tuple[float, ...] = (4.0, 0.5, 0.0, 3.0, 0.0)
    intercept: float = -4.5
    rate: float = 1.0

    def relevance(self, rows: Floats) -> Floats:
        margins = self.intercept + (rows[:, :5] * np.array(self.coefficients)).sum(axis=1)
        found: Floats = self.rate / (1 + np.exp(-margins))
        return found


def simulate(
    requests: int = 3_000,
    *,
    seed: int = 7,
    days: float = 9,
    truth: Truth | None = None,
    swapped: float = 0.01,
    model: str = "weights",
) -> Dataset:
    """Serve pages of 20 by the weights, over the days before NOW, and draw who looks and reacts."""
    random, truth = np.random.default_rng(seed), truth or Truth()
    shape = (requests, _PAGE)
    uniform = random.random((*shape, 5))
    counts = np.log1p(random.integers(0, 50, (*shape, 2)))
    ages = np.log1p(-24 * np.log2(np.clip(uniform[..., 2:3], 1e-3, 1)))
    features = np.concatenate([uniform, counts, ages], axis=-1).reshape(-1, 8)
    rows = matrix(features.tolist())
    scores = weighted(rows).reshape(shape)
    order = np.argsort(-scores, axis=1, kind="stable")
    swaps = np.full(shape, -1)
    for request in np.flatnonzero(random.random(requests) < swapped):
        first = int(random.integers(_PAGE - 1))
        swaps[request, first : first + 2] = (0, 1)
        if random.random() < 0.5:
            order[request, [first, first + 1]] = order[request, [first + 1, first]]
    positions = np.empty(shape, dtype=np.int64)
    np.put_along_axis(positions, order, np.broadcast_to(np.arange(_PAGE), shape), axis=1)
    placed = np.take_along_axis(swaps, positions, axis=1)
    flat = positions.ravel()
    probability = truth.relevance(rows) * examination(flat)
    reacted = random.random(len(flat)) < probability
    served_at = np.repeat(np.sort(random.uniform(NOW - days * DAY, NOW, requests)), _PAGE)
    labels = {name: reacted if name == "like" else np.zeros(len(flat), dtype=np.bool_) for name in HEADS}
    return Dataset(
        requests=np.repeat(np.arange(requests), _PAGE).astype(np.int64),
        viewers=np.repeat(random.integers(1, 500, requests), _PAGE).astype(np.int64),
        positions=flat,
        served_at=served_at,
        known_impressions=np.repeat(random.integers(0, 200, requests), _PAGE).astype(np.int64),
        swaps=placed.ravel().astype(np.int64),
        rows=rows,
        labels=labels,
        models=np.full(len(flat), model),
    )
