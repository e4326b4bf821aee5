"""Isotonic calibration: margins to probabilities that occurred, by pooling adjacent violators (Ayer et al., 1955)."""

from __future__ import annotations

import numpy as np

from photomesh_explore_trainer.domain.dataset import Flags
from photomesh_shared.ranking.models import Calibration, Floats

__all__ = ["calibrate", "calibration_error", "calibration_ratio"]

_KNOTS = 200
_BINS = 20


def calibrate(margins: Floats, labels: Flags, looks: Floats) -> Calibration:
    """Return the rising function that fits best, by at most 200 groups of equal size. A group's probability is the
    number of its reactions divided by how often its places are looked at."""
    order = np.argsort(margins, kind="stable")
    groups = np.array_split(order, min(_KNOTS, max(1, len(order) // 20)))
    pooled: list[tuple[float, float, float]] = []  # looks, mean margin, reactions of a look
    for group in groups:
        seen = float(looks[group].sum())
        pooled.append((seen, float(margins[group].mean()), min(1.0, float(labels[group].sum()) / seen)))
        while len(pooled) > 1 and (pooled[-2][2] >= pooled[-1][2] or pooled[-2][1] >= pooled[-1][1]):
            (w1, m1, y1), (w2, m2, y2) = pooled.pop(-2), pooled.pop(-1)
            weight = w1 + w2
            pooled.append((weight, (w1 * m1 + w2 * m2) / weight, (w1 * y1 + w2 * y2) / weight))
    return Calibration(
        margin=tuple(margin for _, margin, _ in pooled), probability=tuple(label for _, _, label in pooled)
    )


def calibration_error(probabilities: Floats, labels: Flags) -> float:
    """Return the expected calibration error: how far the mean of a bin is from its rate, by bins of equal size."""
    order = np.argsort(probabilities, kind="stable")
    error = 0.0
    for group in np.array_split(order, _BINS):
        if len(group):
            error += len(group) * abs(float(probabilities[group].mean()) - float(labels[group].mean()))
    return error / max(1, len(order))


def calibration_ratio(probabilities: Floats, labels: Flags) -> float | None:
    """Return the mean probability divided by the rate; None without a label."""
    rate = float(labels.mean()) if len(labels) else 0.0
    return float(probabilities.mean()) / rate if rate else None
