"""Affinity of an account to an author: likes and comments, which count half as much for posts a month older.

Stored scores decay without being written (forward decay, Cormode et al. 2009): points grow with the time of the post by
one factor for all accounts, and readers divide by the factor of the present. The time is that of the post, not of the
like, so that an unlike subtracts exactly what the like added.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from photomesh_feed.domain.order import MS_BITS

__all__ = ["COMMENT", "LIKE", "Affinity", "decayed", "points"]

LIKE, COMMENT = 1.0, 3.0

_HALF_LIFE_MS = 30 * 86_400_000


class Affinity(NamedTuple):
    """To an author. `score`: as it is stored."""

    author_id: int
    score: float


def points(weight: float, post_id: int) -> float:
    """Returns what an engagement adds to a stored score. Below the largest float: ids end after 850 half-lives."""
    return weight * math.pow(2.0, (post_id >> MS_BITS) / _HALF_LIFE_MS)


def decayed(score: float, now_ms: int) -> float:
    """Returns the present value of a stored score, in likes of a post made now. `now_ms` is in the milliseconds of
    ids."""
    return score / math.pow(2.0, now_ms / _HALF_LIFE_MS)
