"""What a person may type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from photomesh_search.searching.domain import MAX_WORDS, PostQuery, post_query, prefixes


def test_operators() -> None:
    query = post_query("from:@Ada before:2026-11-21 after:2026-01-02 has:place has:ALT #Sunset harbour")
    assert query == PostQuery(
        words=[["harbour"]],
        tags=["sunset"],
        author="ada",
        before=datetime(2026, 11, 21, tzinfo=UTC),
        after=datetime(2026, 1, 2, tzinfo=UTC),
        has=frozenset({"place", "alt"}),
    )


@pytest.mark.parametrize("text", ["before:yesterday", "has:everything", "after:2026-13-40", "since:2026-01-01"])
def test_what_is_no_operator_is_words(text: str) -> None:
    query = post_query(text)
    assert query.words
    assert (query.before, query.after, query.author) == (None, None, None)
    assert not query.has


@pytest.mark.parametrize("text", ["", "   ", "***", '"', "((((", "\\", "~~~"])
def test_a_query_without_words_is_empty(text: str) -> None:
    assert post_query(text).is_empty
    assert prefixes(text) == []


@given(st.text(max_size=200))
def test_any_text_is_a_small_query(text: str) -> None:
    query = post_query(text)
    assert len(query.words) <= MAX_WORDS
    assert len(query.tags) <= MAX_WORDS
    assert len(prefixes(text)) <= MAX_WORDS
    assert not any(sign in word for words in query.words for word in words for sign in '*?"()\\~ ')
