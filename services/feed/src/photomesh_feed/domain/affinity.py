"""How much somebody is drawn to an author: likes and comments, which count half as much for posts that are a
month older.

Scores are kept so that they need not be touched to decay (forward decay, Cormode et al. 2009): points grow with the
time of the post, by one factor for everybody, and whoever reads them divides by the factor of now. As the time is the
post's and not the deed's, taking a like back takes away exactly what it gave.
"""

from __future__ import annotations

import math

__all__ = ["COMMENT", "LIKE", "decayed", "points"]

LIKE, COMMENT = 1.0, 3.0

_HALF_LIFE_MS = 30 * 86_400_000
_ID_BITS = 22  # below the milliseconds


def points(weight: float, post_id: int) -> float:
    """What a deed adds. It stays below the largest float: ids end after 850 half-lives."""
    return weight * math.pow(2.0, (post_id >> _ID_BITS) / _HALF_LIFE_MS)


def decayed(score: float, now_ms: int) -> float:
    """What a score is worth now, in likes of a post made now. `now_ms` is in the milliseconds of ids."""
    return score / math.pow(2.0, now_ms / _HALF_LIFE_MS)
