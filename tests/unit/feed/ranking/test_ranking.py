"""Features, scores, and room for everybody."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.ranking.diversity import arrange
from photomesh_feed.ranking.features import Candidate, Taste, features
from photomesh_feed.ranking.ranker import WeightedRanker

NOBODY = Taste({})


def candidate(post_id: int = 1, author_id: int = 1, age: float = 1.0, **changes: object) -> Candidate:
    fields: dict[str, object] = {"likes": 0, "comments": 0, "hashtags": (), "affinity": 0.0}
    return Candidate(post_id, author_id, age, **(fields | changes))  # type: ignore[arg-type]


def score(one: Candidate, taste: Taste = NOBODY) -> float:
    return WeightedRanker().scores([one], taste)[0]


def test_each_feature_raises_the_score() -> None:
    plain = candidate(age=24)
    assert score(candidate(age=1)) > score(plain)
    assert score(candidate(age=24, likes=10)) > score(plain)
    assert score(candidate(age=24, comments=10)) > score(candidate(age=24, likes=10))
    assert score(candidate(age=24, affinity=2.0)) > score(plain)
    assert score(candidate(age=24, hashtags=("sea",)), Taste({"sea": 3})) > score(plain)


def test_an_author_whose_posts_are_liked_helps_their_other_posts() -> None:
    quiet, loved = candidate(1, 1), candidate(2, 2)
    scores = WeightedRanker().scores([quiet, loved, candidate(3, 2, likes=500)], NOBODY)
    assert scores[1] > scores[0]


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 10**5), st.floats(0, 10**9))))
def test_features_are_between_nothing_and_one(made: list[tuple[int, int, float, float]]) -> None:
    candidates = [
        candidate(number, number % 3, age, likes=likes, comments=comments, affinity=affinity, hashtags=("a",))
        for number, (likes, comments, age, affinity) in enumerate(made)
    ]
    for one in features(candidates, Taste({"a": 10**6})):
        assert all(0 <= value <= 1 for value in vars(one).values())


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 1)), max_size=60), st.integers(1, 50))
def test_every_post_is_shown_once_and_no_author_more_than_three_times_a_page(
    made: list[tuple[int, float]], size: int
) -> None:
    candidates = [candidate(number, author) for number, (author, _) in enumerate(made)]
    authors = {one.post_id: one.author_id for one in candidates}
    pages = arrange(candidates, [score for _, score in made], size)
    assert sorted(post for page in pages for post in page) == list(range(len(made)))
    for page in pages:
        assert 0 < len(page) <= size
        for author in range(1, 6):
            assert sum(authors[post] == author for post in page) <= 3


def test_a_second_post_of_an_author_gives_way_but_not_to_anything() -> None:
    candidates = [candidate(1, 1), candidate(2, 1), candidate(3, 2), candidate(4, 3)]
    assert arrange(candidates, [1.0, 0.9, 0.8, 0.1], 4) == [[1, 3, 2, 4]]


def test_two_hundred_candidates_take_a_moment() -> None:
    candidates = [candidate(n, n % 40, n / 4, likes=n % 17, affinity=n % 5, hashtags=("a", "b")) for n in range(200)]
    best = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        arrange(candidates, WeightedRanker().scores(candidates, Taste({"a": 3})), 20)
        best = min(best, time.perf_counter() - started)
    print(f"{best * 1000:.2f} ms")
    assert best < 0.01  # a tenth of that on a machine that does nothing else
