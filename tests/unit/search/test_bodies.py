"""Whatever a person types, OpenSearch can answer the request that is made of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import RequestError
from prometheus_client import REGISTRY

from photomesh_search.searching import bodies
from photomesh_search.searching.domain import MAX_WORDS, Near, post_query, prefixes
from photomesh_search.searching.store import IndexReader
from photomesh_search.texts.domain import fold

_MAX_BYTES = 200_000
_MAX_CLAUSES = 1_024  # of OpenSearch, by default
_MAX_REGEX = 1_000
_RESERVED = frozenset('.?+*|{}[]()"#@&<>~^$-')  # in patterns of Lucene
_LAST_MS = 253_402_300_800_000
_SIGNS = st.characters(exclude_categories=["Cs"])
_OPERATORS = st.one_of(
    st.builds("from:{}".format, st.text(_SIGNS, max_size=40)),
    st.builds("{}:{}".format, st.sampled_from(["before", "after"]), st.dates()),
    st.builds("{}:{}".format, st.sampled_from(["before", "after", "has"]), st.text(_SIGNS, max_size=12)),
    st.builds("#{}".format, st.text(_SIGNS, max_size=40)),
    st.sampled_from(
        ["AND", "OR", "NOT", "*", "?", '"', "((", "a~2", "[* TO *]", "\\", "/.*/", "\ufdfa" * 50, "é\u0301"]
    ),
)
_TYPED = st.lists(st.one_of(_OPERATORS, st.text(_SIGNS, max_size=40)), max_size=6).map(
    lambda parts: " ".join(parts)[:200]
)
_typed = settings(max_examples=60)
_IDS = st.lists(st.integers(1, 2**63 - 1), max_size=5)


def _inside(value: object) -> Iterator[tuple[str, Any]]:
    """Every member of all objects in it."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield name, one
            yield from _inside(one)
    elif isinstance(value, list):
        for one in value:
            yield from _inside(one)


def _check(body: dict[str, Any]) -> None:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    assert len(text.encode()) < _MAX_BYTES
    for name, value in _inside(body):
        match name:
            case "terms" if "field" not in value:
                assert all(len(ids) <= bodies.MAX_TERMS for ids in value.values())
            case "filter" | "should" | "must_not":
                assert len(value) < _MAX_CLAUSES
            case "created":
                assert all(0 <= moment < _LAST_MS for moment in value.values())
            case "include":
                assert len(value.encode("utf-16-le")) // 2 <= _MAX_REGEX
                _check_pattern(value)
            case "prefix":
                assert all(one if isinstance(one, str) else one["value"] for one in value.values())


def _check_pattern(pattern: str) -> None:
    """All signs of the text stand for themselves."""
    text, escaped = pattern.removesuffix(".*"), False
    for sign in text:
        if escaped:
            assert not (sign.isascii() and sign.isalnum()), "a class of signs"
        else:
            assert sign == "\\" or sign not in _RESERVED
        escaped = sign == "\\" and not escaped
    assert not escaped


@_typed
@given(_TYPED, _IDS, st.one_of(st.none(), st.integers(1, 2**63 - 1)))
def test_posts(typed: str, muted: Collection[int], position: int | None) -> None:
    query = post_query(typed)
    assert len(query.words) <= MAX_WORDS
    _check(bodies.posts(query, author_id=position, muted=muted, before_id=position, size=100))


@_typed
@given(_TYPED, _IDS)
def test_accounts(typed: str, followed: Collection[int]) -> None:
    exact = fold(typed.strip().lstrip("@"))
    _check(bodies.named(exact))
    for after in (None, ("12.5", 7)):
        _check(bodies.accounts(prefixes(typed), exact=exact, followed=followed, near=(), after=after, size=100))


@_typed
@given(_TYPED, st.floats(-90, 90), st.floats(-180, 180))
def test_hashtags_and_places(typed: str, latitude: float, longitude: float) -> None:
    if prefix := fold(typed.strip().lstrip("#＃"))[:100]:
        _check(bodies.hashtags(prefix, size=100))
    _check(bodies.places(prefixes(typed), Near.rounded(latitude, longitude, 200), size=100))


def test_long_lists_of_accounts_are_cut() -> None:
    many = range(1, 80_000)
    _check(bodies.posts(post_query("harbour"), author_id=None, muted=many, before_id=None, size=10))
    _check(bodies.accounts(["a"], exact="a", followed=many, near=many, after=None, size=10))


class _Refusing:
    async def search(self, **_: object) -> Any:
        raise RequestError(400, "parsing_exception", {"error": {"root_cause": [{"reason": "no"}]}})


async def test_what_is_refused_nevertheless_is_no_outage_and_an_alert() -> None:
    def refused() -> float:
        return REGISTRY.get_sample_value("photomesh_search_refused_total", {"side": "search"}) or 0.0

    reader, before = IndexReader(cast(AsyncOpenSearch, _Refusing()), {"posts": "posts"}), refused()
    with pytest.raises(RequestError):
        await reader.hashtags("sun", size=5)
    assert refused() == before + 1
