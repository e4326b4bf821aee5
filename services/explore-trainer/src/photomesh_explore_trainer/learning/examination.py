"""How often places are looked at: from pairs of neighbours between which a coin decided.

Over many such pairs, the posts at the first and the second place are equally good, so the ratio of their reactions is
that of the places. The product of the ratios is the curve.
"""

from __future__ import annotations

import numpy as np

from photomesh_explore_trainer.domain.dataset import Flags, Integers
from photomesh_shared.ranking.models import Floats

__all__ = ["MAX_WEIGHT", "examination_curve"]

MAX_WEIGHT = 10.0
"""Of a reaction at a place that is rarely looked at: beyond, single ones would decide."""


def examination_curve(positions: Integers, swaps: Integers, reacted: Flags, *, length: int) -> Floats | None:
    """Return how often each position is looked at, relative to the first; None if a pair had no reaction. `reacted`
    includes posts that were served and not seen."""
    pairs = length - 1
    first = np.bincount(positions[(swaps == 0) & reacted], minlength=length)[:pairs]
    second = np.bincount(positions[(swaps == 1) & reacted] - 1, minlength=length)[:pairs]
    if not (first.all() and second.all()):
        return None
    curve: Floats = np.concatenate([[1.0], np.cumprod(second / first)])
    return curve
