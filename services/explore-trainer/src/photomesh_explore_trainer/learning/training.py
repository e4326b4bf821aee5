"""Trains a model: a logistic regression for each head, trees on top where they help, and a calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from photomesh_explore_trainer.domain.dataset import HEADS, Dataset, Flags, Integers
from photomesh_explore_trainer.learning.calibration import calibrate
from photomesh_explore_trainer.learning.logistic import Logistic, fit_logistic
from photomesh_explore_trainer.learning.measures import normalized_entropy
from photomesh_explore_trainer.learning.trees import fit_trees
from photomesh_shared.ranking.features import FEATURE_SCHEMA, FEATURES, WEIGHTS
from photomesh_shared.ranking.models import Calibration, Floats, Head, Model, ModelDocument, Tree

__all__ = ["NotEnough", "Trained", "WeightsBaseline", "train", "weighted"]

_POSITIVES, _CALIBRATING = 100, 30
_HELPS = 0.998
"""Trees must lower the normalized entropy to this share of the logistic model's, or they are not worth their time."""
_ANY = Calibration(margin=(0.0,), probability=(0.5,))
_DIRECTIONS = np.array([feature.direction for feature in FEATURES])


class NotEnough(Exception):
    """Too few reactions to learn from."""


@dataclass(frozen=True)
class WeightsBaseline:
    """What the weighted sum says of a head, when its score is all that a logistic regression may use."""

    logistic: Logistic
    calibration: Calibration

    def probabilities(self, data: Dataset) -> Floats:
        margins = self.logistic.margins(weighted(data.rows)[:, None])
        liked = np.interp(margins, self.calibration.margin, self.calibration.probability)
        found: Floats = liked * self.logistic.looks[data.buckets]
        return found


@dataclass(frozen=True)
class Trained:
    model: Model
    looks: Mapping[str, Floats]
    """By head: how often each bucket of positions is looked at, relative to the first."""
    baselines: Mapping[str, WeightsBaseline]

    def probabilities(self, head: str, data: Dataset, model: Model | None = None) -> Floats:
        """Return what the model (or another one) says of posts at the positions that they had."""
        model = model or self.model
        return model.probabilities(head, model.margins(head, data.rows)) * self.looks[head][data.buckets]

    def examination(self) -> Floats:
        """Return the mean of `looks`."""
        found: Floats = np.mean([self.looks[head] for head in self.model.heads], axis=0)
        return found


def weighted(rows: Floats) -> Floats:
    """Return the scores of the weighted sum."""
    scores: Floats = (rows[:, : len(WEIGHTS)] * np.array(WEIGHTS)).sum(axis=1)
    return scores


def train(data: Dataset, calibrating: Dataset, *, with_trees: bool = True, with_position: bool = True) -> Trained:
    """Train on some days and calibrate on a later one. Raises NotEnough."""
    heads: list[Head] = []
    looks: dict[str, Floats] = {}
    baselines: dict[str, WeightsBaseline] = {}
    for name, worth in HEADS.items():
        labels, later = data.labels[name], calibrating.labels[name]
        if labels.sum() < _POSITIVES or later.sum() < _CALIBRATING or labels.all() or later.all():
            continue
        logistic = fit_logistic(data.rows, data.buckets, labels, directions=_DIRECTIONS, with_position=with_position)
        chosen = plain = _head(name, worth, logistic, ())
        of_later = logistic.looks[calibrating.buckets]
        if with_trees:
            margins, of_data = logistic.margins(data.rows), logistic.looks[data.buckets]
            trees = fit_trees(data.rows, labels, margins, of_data, directions=_DIRECTIONS)
            chosen = _better(_head(name, worth, logistic, trees), plain, calibrating, later, of_later)
        calibration = calibrate(_margins(chosen, calibrating), later, of_later)
        heads.append(chosen.model_copy(update={"calibration": calibration}))
        looks[name] = logistic.looks
        baselines[name] = _baseline(data, labels, calibrating, later)
    if not heads:
        raise NotEnough(f"{len(data)} posts seen, {int((data.gains > 0).sum())} with a reaction")
    document = ModelDocument(feature_schema=FEATURE_SCHEMA, heads=tuple(heads))
    return Trained(Model(document), looks, baselines)


def _head(name: str, worth: float, logistic: Logistic, trees: tuple[Tree, ...]) -> Head:
    return Head(
        name=name,
        worth=worth,
        intercept=logistic.intercept,
        coefficients=tuple(logistic.coefficients.tolist()),
        trees=trees,
        calibration=_ANY,
    )


def _margins(head: Head, data: Dataset) -> Floats:
    return Model(ModelDocument(feature_schema=FEATURE_SCHEMA, heads=(head,))).margins(head.name, data.rows)


def _better(boosted: Head, plain: Head, data: Dataset, labels: Flags, looks: Floats) -> Head:
    """Return the head that is better on the half of the requests that did not calibrate it."""
    fitting: Flags = data.requests % 2 == 0
    if not (labels[fitting].any() and labels[~fitting].any()):
        return plain

    def entropy(head: Head) -> float:
        margins = _margins(head, data)
        fitted = calibrate(margins[fitting], labels[fitting], looks[fitting])
        liked = np.interp(margins[~fitting], fitted.margin, fitted.probability)
        return normalized_entropy(liked * looks[~fitting], labels[~fitting])

    return boosted if entropy(boosted) < entropy(plain) * _HELPS else plain


def _baseline(data: Dataset, labels: Flags, calibrating: Dataset, later: Flags) -> WeightsBaseline:
    upwards: Integers = np.array([1])
    logistic = fit_logistic(weighted(data.rows)[:, None], data.buckets, labels, directions=upwards)
    margins = logistic.margins(weighted(calibrating.rows)[:, None])
    return WeightsBaseline(logistic, calibrate(margins, later, logistic.looks[calibrating.buckets]))
