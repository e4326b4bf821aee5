from __future__ import annotations

import pytest

from photomesh_feed.domain import affinity

_MONTH_MS = 30 * 86_400_000
_NOW_MS = 35 * _MONTH_MS


def _post(ms: int) -> int:
    return ms << 22


def test_like_of_a_new_post_is_worth_one() -> None:
    assert affinity.decayed(affinity.points(affinity.LIKE, _post(_NOW_MS)), _NOW_MS) == pytest.approx(1.0)


def test_post_a_month_older_counts_half() -> None:
    score = affinity.points(affinity.LIKE, _post(_NOW_MS - _MONTH_MS))
    assert affinity.decayed(score, _NOW_MS) == pytest.approx(0.5)


def test_points_of_the_last_id_are_finite() -> None:
    assert affinity.points(affinity.COMMENT, (1 << 63) - 1) < float("inf")
