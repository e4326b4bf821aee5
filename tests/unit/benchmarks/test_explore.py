"""The comparison of explore with popularity: nothing of later is known, and qualities are what they are called."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from benchmarks.explore.measure import asked, ndcg, ratio, recall
from benchmarks.explore.movielens import Rating, at_one_moment, at_own_moments
from photomesh_explore.candidates.domain import PostInfo

_OLD = 1 << 50
_BEGAN_MS = 1_767_225_600_000
_HOUR_MS = 3_600_000


def ratings_of_two_tastes() -> list[Rating]:
    """Half of forty accounts like sixteen of thirty-two posts, and half the others, in any order."""
    draw = random.Random(5)
    posts = [PostInfo(1_000 + number, _OLD + 500 + number, _BEGAN_MS, (f"tag{number % 3}",)) for number in range(32)]
    given = [(account, post) for account in range(40) for post in posts[account % 2 * 16 :][:16]]
    draw.shuffle(given)
    return [
        Rating(_OLD + account, post, _BEGAN_MS + number * _HOUR_MS // 10, liked=draw.random() < 0.9)
        for number, (account, post) in enumerate(given)
    ]


def test_recall_and_ndcg() -> None:
    assert recall([1, 2, 3], {2, 9}) == 0.5
    assert recall([*range(50), 99], {99}) == 0.0, "the first fifty count"
    assert ndcg([7, 8], {7, 8}) == pytest.approx(1.0)
    assert ndcg([1, 7], {7}) == pytest.approx(0.6309, abs=1e-4), "1 ÷ log₂ 3"
    assert ndcg([*range(10), 99], {99}) == 0.0, "the first ten count"


def test_each_account_is_asked_when_it_has_given_four_fifths_of_its_likes() -> None:
    ratings = ratings_of_two_tastes()
    queries = at_own_moments(ratings, 0.0, 1.0)
    assert len(queries) == 40
    for query in queries:
        own = [one for one in ratings if one.account_id == query.account_id and one.liked]
        later = {one.post.post_id for one in own if one.at_ms >= query.at_ms}
        assert query.relevant == later
        assert len(later) == len(own) - int(len(own) * 0.8)
    parts = [at_own_moments(ratings, begin, end) for begin, end in ((0.0, 0.9), (0.9, 1.0))]
    assert [one for part in parts for one in part] == queries, "each is in one part"
    assert {one.at_ms for one in at_one_moment(ratings, 0.9, 1.0)} == {ratings[len(ratings) * 9 // 10].at_ms}


async def test_explore_finds_tastes_that_popularity_does_not_know() -> None:
    ratings = ratings_of_two_tastes()
    queries = at_own_moments(ratings, 0.7, 1.0)
    found = await asked(ratings, queries)
    times, low, high = ratio(found, 1)
    assert low < times < high
    assert times > 1.3


async def test_nothing_that_happens_later_changes_an_answer() -> None:
    ratings = ratings_of_two_tastes()
    [*_, query] = queries = at_own_moments(ratings, 0.7, 0.8)
    changed = [
        one if one.at_ms < query.at_ms else replace(one, liked=not one.liked, account_id=one.account_id ^ 1)
        for one in ratings
    ]
    before, after = await asked(ratings, queries), await asked(changed, queries)
    assert {name: rows.tolist() for name, rows in before.items()} == {
        name: rows.tolist() for name, rows in after.items()
    }
