"""Posts that were served and seen, with what followed, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from photomesh_shared.ranking.models import Floats

__all__ = ["HEADS", "NEW_VIEWER", "POSITION_BUCKETS", "Dataset", "Flags", "Integers", "bucket_of"]

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

HEADS: Mapping[str, float] = {"like": 1.0, "comment": 2.0, "save": 1.5, "dwell": 0.2}
"""What may follow, and how much it is worth. `dwell`: three seconds on the screen."""

NEW_VIEWER = 20
"""Viewers of whom fewer impressions are known are ranked without a model."""

_BUCKET_ENDS = np.array([*range(1, 21), 25, 30, 40])
POSITION_BUCKETS = len(_BUCKET_ENDS) + 1


def bucket_of(positions: Integers) -> Integers:
    """Return the bucket of each position: of its own for the first twenty, then wider ones: within one, models would
    learn from what is correlated with the place."""
    return np.searchsorted(_BUCKET_ENDS, positions, side="right").astype(np.int64)


@dataclass(frozen=True)
class Dataset:
    """Columns of equal length, one row for each post that was seen."""

    requests: Integers
    """A number for each order that was served."""
    viewers: Integers
    positions: Integers
    served_at: Floats
    """In seconds since 1970."""
    known_impressions: Integers
    swaps: Integers
    """-1: where the scores put it; 0 and 1: at the first and second place of two between which a coin decided."""
    rows: Floats
    """The features."""
    labels: Mapping[str, Flags]
    models: NDArray[np.str_]
    """What ranked the order."""

    def __len__(self) -> int:
        return len(self.requests)

    def where(self, chosen: Flags) -> Dataset:
        changed: dict[str, Any] = {
            field.name: getattr(self, field.name)[chosen] for field in fields(self) if field.name != "labels"
        }
        return replace(self, **changed, labels={name: labels[chosen] for name, labels in self.labels.items()})

    def between(self, start: float, end: float) -> Dataset:
        return self.where((self.served_at >= start) & (self.served_at < end))

    @property
    def buckets(self) -> Integers:
        return bucket_of(self.positions)

    @property
    def gains(self) -> Floats:
        """How much what followed is worth."""
        total = np.zeros(len(self))
        for name, labels in self.labels.items():
            total += HEADS[name] * labels
        return total
