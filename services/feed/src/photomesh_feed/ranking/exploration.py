"""A coin for two neighbours, in one order of a hundred: it shows how much of a reaction is due to the place alone.

Of such pairs, each post was as likely to be the first as the second, whatever its score. So the ratio of their
reactions is that of the two places (Joachims et al., "Unbiased Learning-to-Rank with Biased Feedback", 2017).
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import NamedTuple

__all__ = ["Coin", "toss"]

_SHARE = 0.01


class Coin(NamedTuple):
    position: int
    """Of the first of the two neighbours."""
    swapped: bool


def toss(page: list[int], random: Random, *, fixed: Collection[int] = ()) -> Coin | None:
    """Exchange two neighbours of a page in place, perhaps; none of `fixed`. Returns which, whether or not they were
    exchanged; None in most cases."""
    pairs = [first for first in range(len(page) - 1) if page[first] not in fixed and page[first + 1] not in fixed]
    if not pairs or random.random() >= _SHARE:
        return None
    first, swapped = random.choice(pairs), random.random() < 0.5
    if swapped:
        page[first], page[first + 1] = page[first + 1], page[first]
    return Coin(first, swapped)
