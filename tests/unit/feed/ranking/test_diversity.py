from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from photomesh_feed.ranking.diversity import arrange
from tests.unit.feed.ranking.candidates import candidate


@given(st.lists(st.tuples(st.integers(1, 5), st.floats(0, 1)), max_size=60), st.integers(1, 50))
def test_every_post_is_on_one_page_and_no_author_more_than_three_times(
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


@given(
    st.lists(st.integers(1, 9), max_size=60), st.integers(1, 50), st.integers(0, 8), st.randoms(use_true_random=False)
)
def test_suggested_posts_have_nine_of_the_feed_before_each(
    authors: list[int], size: int, suggestions: int, random: Random
) -> None:
    candidates = [candidate(number, author) for number, author in enumerate(authors)]
    scores = [random.random() for _ in candidates]
    suggested = [1_000 + number for number in range(suggestions)]
    pages = arrange(candidates, scores, size, suggested)
    order = [post for page in pages for post in page]
    assert all(len(page) <= size for page in pages)
    assert sorted(post for post in order if post < 1_000) == list(range(len(authors)))
    places = [place for place, post in enumerate(order) if post >= 1_000]
    assert [order[place] for place in places] == suggested[: len(places)]
    assert places == [9 + 10 * number for number in range(len(places))]
    has_room = len(authors) // 9
    assert min(suggestions, has_room) - len(places) in (0, 1), "one may lack a page"


def test_second_post_of_an_author_yields_but_not_to_every_post() -> None:
    candidates = [candidate(1, 1), candidate(2, 1), candidate(3, 2), candidate(4, 3)]
    assert arrange(candidates, [1.0, 0.9, 0.8, 0.1], 4) == [[1, 3, 2, 4]]


def test_author_starts_afresh_on_the_next_page() -> None:
    candidates = [candidate(1, 1), candidate(2, 1), candidate(3, 1), candidate(4, 1), candidate(5, 2)]
    assert arrange(candidates, [0.9, 0.8, 0.7, 0.6, 0.5], 5) == [[1, 5, 2, 3], [4]]


def test_ties_go_to_the_newer_post() -> None:
    assert arrange([candidate(1, 1), candidate(2, 2)], [0.5, 0.5], 2) == [[2, 1]]


def test_no_candidates() -> None:
    assert arrange([], [], 20) == []
