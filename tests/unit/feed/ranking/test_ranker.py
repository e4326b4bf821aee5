from __future__ import annotations

import time

import pytest

from photomesh_feed.ranking.diversity import arrange
from photomesh_feed.ranking.features import Candidate, Taste, features
from photomesh_feed.ranking.ranker import Viewer, WeightedRanker
from photomesh_shared.ranking.features import WEIGHTS
from tests.unit.feed.ranking.candidates import NO_TASTE, candidate

READER = Viewer(1, 0)


def scores(candidates: list[Candidate], taste: Taste = NO_TASTE) -> list[float]:
    return list(WeightedRanker().rank(READER, features(candidates, taste)).scores)


def score(one: Candidate, taste: Taste = NO_TASTE) -> float:
    return scores([one], taste)[0]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (candidate(age_hours=1), candidate(age_hours=24)),
        (candidate(likes=10), candidate()),
        (candidate(comments=10), candidate(likes=10)),
        (candidate(affinity=2.0), candidate()),
        (candidate(hashtags=("sea",)), candidate(hashtags=("sky",))),
    ],
)
def test_each_feature_raises_the_score(better: Candidate, worse: Candidate) -> None:
    taste = Taste({"sea": 3})
    assert score(better, taste) > score(worse, taste)


def test_popular_posts_help_their_author() -> None:
    quiet, loved = candidate(1, 1), candidate(2, 2)
    first, second, _ = scores([quiet, loved, candidate(3, 2, likes=500)])
    assert second > first


def test_weights_add_up_to_one() -> None:
    assert sum(WEIGHTS) == pytest.approx(1)


def test_two_hundred_candidates_take_milliseconds() -> None:
    candidates = [candidate(n, n % 40, n / 4, likes=n % 17, affinity=n % 5, hashtags=("a", "b")) for n in range(200)]
    best = float("inf")
    for _ in range(20):
        started = time.process_time()
        arrange(candidates, scores(candidates, Taste({"a": 3})), 20)
        best = min(best, time.process_time() - started)
    print(f"{best * 1000:.2f} ms")
    assert best < 0.01  # ten times what it takes on an idle machine
