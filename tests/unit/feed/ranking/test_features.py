from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.domain import affinity
from photomesh_feed.domain.candidates import StoredCandidate
from photomesh_feed.domain.order import MS_BITS
from photomesh_feed.ranking.features import Candidate, Features, Taste, features
from photomesh_shared.ranking.features import FEATURES
from tests.unit.feed.ranking.candidates import NO_TASTE, candidate

_HOUR_MS = 3_600_000
_NOW_MS = 1_000 * _HOUR_MS


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 10**5), st.floats(0, 10**9))))
def test_features_are_between_zero_and_one(made: list[tuple[int, int, float, float]]) -> None:
    candidates = [
        candidate(number, number % 3, age, likes=likes, comments=comments, affinity=affinity, hashtags=("a",))
        for number, (likes, comments, age, affinity) in enumerate(made)
    ]
    for one in features(candidates, Taste({"a": 10**6})):
        assert all(0 <= value <= 1 for value in one[:5])
        assert all(0 <= value < 20 for value in one[5:])


def test_columns_are_those_that_models_take() -> None:
    assert Features._fields == tuple(feature.name for feature in FEATURES)


def test_usual_values_are_worth_half() -> None:
    (found,) = features([candidate(likes=20, age_hours=4, affinity=5, hashtags=("sea",))], Taste({"sea": 2}))
    assert (found.author_affinity, found.engagement_rate, found.author_engagement) == (0.5, 0.5, 0.5)
    assert found.content_affinity == 0.5


def test_recency_halves_each_day() -> None:
    new, day, week = features([candidate(age_hours=hours) for hours in (0, 24, 168)], NO_TASTE)
    assert (new.recency, day.recency, week.recency) == (1.0, 0.5, 0.5**7)


def test_first_like_of_a_new_post_does_not_decide() -> None:
    minute, two_hours = features([candidate(likes=1, age_hours=1 / 60), candidate(likes=1, age_hours=2)], NO_TASTE)
    assert minute.engagement_rate == two_hours.engagement_rate


def test_author_engagement_is_the_average_of_the_author() -> None:
    found = features([candidate(1, 1, likes=40), candidate(2, 1), candidate(3, 2)], NO_TASTE)
    assert [one.author_engagement for one in found] == [0.5, 0.5, 0.0]


def test_candidate_of_what_is_stored() -> None:
    post = (_NOW_MS - 3 * _HOUR_MS) << MS_BITS
    stored = StoredCandidate(post, 7, 5, 2, "sea sky", affinity.points(affinity.LIKE, _NOW_MS << MS_BITS))
    found = Candidate.of(stored, _NOW_MS)
    assert (found.post_id, found.author_id, found.likes, found.comments) == (post, 7, 5, 2)
    assert found.hashtags == ("sea", "sky")
    assert found.age_hours == pytest.approx(3)
    assert found.affinity == pytest.approx(1)


def test_post_from_a_fast_clock_has_no_negative_age() -> None:
    stored = StoredCandidate((_NOW_MS + 60_000) << MS_BITS, 7, 0, 0, "", 0.0)
    assert Candidate.of(stored, _NOW_MS).age_hours == 0


def test_taste_counts_posts_by_hashtag() -> None:
    assert Taste.of(["sea sky", "", "sea"]).hashtags == {"sea": 2, "sky": 1}
