"""What trends, and what a like is worth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_explore.candidates.domain import (
    DAY_MS,
    HALF_LIFE_MS,
    Engagement,
    Like,
    PostInfo,
    account_weight,
    expected_likes,
    geohash,
    ms_of,
    neighbours,
    score_of,
    trend_of,
    trending_now,
)
from tests.support.explore.memory import id_at

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
NOW_MS = ms_of(NOW)


def old(number: int) -> int:
    return id_at(NOW - timedelta(days=90), number)


def new(number: int) -> int:
    return id_at(NOW - timedelta(hours=1), number)


def likes(count: int, *, at_ms: int = NOW_MS, weight: float = 0.8, first: int = 0) -> list[Like]:
    return [Like(old(first + number), at_ms, weight) for number in range(count)]


def test_a_hundred_new_accounts_without_followers_are_worth_one() -> None:
    farm = [Like(new(number), NOW_MS, account_weight(new(number), 0, NOW_MS)) for number in range(100)]
    assert score_of(farm, 1.0) is None, "they make nothing trend"
    people = likes(20)
    honest, pushed = score_of(people, 1.0), score_of(people + farm, 1.0)
    assert honest is not None
    assert pushed is not None
    assert pushed - honest < 0.1, "twenty people's post gains next to nothing"


def test_a_like_is_worth_more_with_age_and_followers_and_less_from_a_fan_of_one_author() -> None:
    assert account_weight(old(1), 50, NOW_MS) > account_weight(old(1), 2, NOW_MS)
    assert account_weight(old(1), 50, NOW_MS) > account_weight(new(1), 50, NOW_MS)
    assert account_weight(old(1), 50, NOW_MS) > account_weight(old(1), 50, NOW_MS, to_this_author=1.0)
    assert account_weight(new(1), 99, NOW_MS) < 0.3, "new accounts that follow each other"


def test_likes_decay_by_half_within_two_hours() -> None:
    fresh, older = score_of(likes(10), 1.0), score_of(likes(10, at_ms=NOW_MS - HALF_LIFE_MS), 1.0)
    assert fresh is not None
    assert older is not None
    assert fresh - older == pytest.approx(1.0)


def test_a_big_account_does_not_win_by_what_it_always_gets() -> None:
    usual = score_of(likes(200), expected_likes(100_000, [180, 200, 220]))
    surprise = score_of(likes(40), expected_likes(200, [1, 2, 3]))
    assert usual is not None
    assert surprise is not None
    assert surprise > usual


@given(st.permutations(range(6)))
def test_the_order_of_likes_does_not_matter(order: list[int]) -> None:
    mixed = [Like(old(number), NOW_MS - number * 1_000_000, 0.02 if number % 2 else 0.9) for number in range(6)]
    assert score_of([mixed[place] for place in order], 2.0) == pytest.approx(score_of(mixed, 2.0))


def test_neighbours_are_what_the_same_trusted_people_like() -> None:
    liked = {old(number): [Engagement(2, NOW_MS), Engagement(3, NOW_MS)] for number in range(6)}
    liked[old(0)].append(Engagement(4, NOW_MS))
    found = neighbours(1, likes(6), liked, {2: 6, 3: 600})
    assert [post_id for post_id, _ in found] == [2, 3], "the popular one is weaker, one person pairs nothing"
    assert neighbours(1, likes(4), liked, {}) == [], "too few"
    assert neighbours(1, likes(100, weight=0.02), liked, {}) == [], "nobody is trusted"


def test_somebody_who_likes_everything_pairs_little() -> None:
    choosy = {old(number): [Engagement(1, NOW_MS), Engagement(2, NOW_MS)] for number in range(3)}
    busy = {old(number): [Engagement(one, NOW_MS) for one in (1, 3, *range(10, 90))] for number in range(3, 6)}
    found = neighbours(1, likes(6), choosy | busy, {})
    assert found[0][0] == 2
    assert found[0][1] > 3 * dict(found)[3]


def test_pairs_of_a_popular_post_are_weaker_than_those_of_another() -> None:
    def strength(count: int) -> float:
        liked = {old(number): [Engagement(1, NOW_MS), Engagement(2, NOW_MS)] for number in range(5)}
        return dict(neighbours(1, likes(count), liked, {2: 5}))[2]

    assert strength(5) > strength(50)


def test_a_trend_counts_accounts_once_and_not_the_new_ones() -> None:
    def post(author: int, number: int) -> PostInfo:
        return PostInfo(number, author, NOW_MS, ("sunset",), "u0nd", "Lake Como" if number % 3 else "Como")

    people = [post(old(number), number) for number in range(10)]
    followers = {old(number): 20 for number in range(10)}
    found = trend_of(people, followers)
    assert found is not None
    assert (found.accounts, found.name) == (10, "Lake Como")
    assert trend_of([post(old(1), number) for number in range(50)], followers) is None, "one account"
    assert trend_of([post(new(number), number) for number in range(100)], {}) is None, "a farm"
    assert trending_now(found.score, NOW_MS)
    assert not trending_now(found.score, NOW_MS + 7 * DAY_MS)


@pytest.mark.parametrize(
    ("latitude", "longitude", "cell"),
    [(57.64911, 10.40744, "u4pr"), (-25.382708, -49.265506, "6gkz"), (0.0, 0.0, "s000"), (90.0, 180.0, "zzzz")],
)
def test_geohash(latitude: float, longitude: float, cell: str) -> None:
    assert geohash(latitude, longitude) == cell
