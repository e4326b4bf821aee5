"""Bodies of requests to OpenSearch, which it can answer whatever people type. Pure.

A text has `MAX_WORDS` words and hashtags at most, a list `MAX_TERMS` accounts, and a time is one that its field can
have. OpenSearch refuses what is beyond its own bounds, and a person could do nothing about that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import regex

from photomesh_search.searching.domain import Near, PostQuery

__all__ = ["MAX_TERMS", "accounts", "hashtags", "named", "places", "posts"]

MAX_TERMS = 10_000
"""Of a list of accounts. OpenSearch refuses more than 65,536."""
_EXACT, _FOLLOWED, _NEAR = 1_000, 100, 50  # above any logarithm of followers; both is 150
_SHOWN = {"term": {"shown": True}}
_SECONDS = "2s"
_NO_SOURCE: Mapping[str, Any] = {"_source": False, "track_total_hits": False, "timeout": _SECONDS}


def named(username: str) -> dict[str, Any]:
    """The account of exactly this username."""
    return {**_NO_SOURCE, "size": 1, "query": {"bool": {"filter": [_SHOWN, {"term": {"username": username}}]}}}


def accounts(
    prefixes: Sequence[str],
    *,
    exact: str,
    followed: Collection[int],
    near: Collection[int],
    after: Sequence[str | int] | None,
    size: int,
) -> dict[str, Any]:
    """Accounts with a word of each prefix: the one of exactly this username first, then followed ones, then those that
    followed ones follow, then by the logarithm of their followers."""
    ranks: list[dict[str, Any]] = [
        {"constant_score": {"filter": {"term": {"username": exact}}, "boost": _EXACT}},
        {"rank_feature": {"field": "followers", "log": {"scaling_factor": 1}}},
    ]
    for ids, boost in ((followed, _FOLLOWED), (near, _NEAR)):
        if ids:
            ranks.append({"constant_score": {"filter": _any_of("id", ids), "boost": boost}})
    body: dict[str, Any] = {
        **_NO_SOURCE,
        "size": size,
        "query": {"bool": {"filter": [_SHOWN, *(_prefix("names", one) for one in prefixes)], "should": ranks}},
        "sort": [{"_score": "desc"}, {"id": "desc"}],
    }
    if after:
        body["search_after"] = [float(after[0]), after[1]]
    return body


def posts(
    query: PostQuery, *, author_id: int | None, muted: Collection[int], before_id: int | None, size: int
) -> dict[str, Any]:
    """Posts for which all of the query holds, the newest first."""
    must: list[dict[str, Any]] = [_SHOWN]
    must += [
        {"match_phrase": {"words": {"query": " ".join(word), "analyzer": "whitespace"}}}
        if len(word) > 1
        else {"term": {"words": word[0]}}
        for word in query.words
    ]
    must += [{"term": {"tags": tag}} for tag in query.tags]
    must += [{"term": {"has": one}} for one in sorted(query.has)]
    if author_id is not None:
        must.append({"term": {"author": author_id}})
    times = {"lt": query.before, "gte": query.after}
    if limits := {name: _epoch_ms(at) for name, at in times.items() if at}:
        must.append({"range": {"created": limits}})
    body: dict[str, Any] = {
        **_NO_SOURCE,
        "size": size,
        "query": {"bool": {"filter": must, "must_not": [_any_of("author", muted)] if muted else []}},
        "sort": [{"id": "desc"}],
    }
    if before_id is not None:
        body["search_after"] = [before_id]
    return body


def hashtags(prefix: str, *, size: int) -> dict[str, Any]:
    """Hashtags that begin so, by how many accounts use them."""
    pattern = regex.sub(r"([^\p{L}\p{N}])", r"\\\1", prefix) + ".*"
    return _groups("tags", [{"prefix": {"tags": prefix}}], size=size, include=pattern)


def places(prefixes: Sequence[str], near: Near | None, *, size: int) -> dict[str, Any]:
    """Places of posts whose words begin so, by how many accounts have been there."""
    filters: list[dict[str, Any]] = [{"exists": {"field": "place"}}]
    filters += [_prefix("place_words", one) for one in prefixes]
    if near:
        at = {"lat": near.latitude, "lon": near.longitude}
        filters.append({"geo_distance": {"distance": f"{near.kilometres}km", "at": at}})
    return _groups("place", filters, size=size)


def _groups(field: str, filters: Sequence[dict[str, Any]], *, size: int, include: str | None = None) -> dict[str, Any]:
    """The values of a field in these posts, by how many accounts have them."""
    terms: dict[str, Any] = {"field": field, "size": size, "shard_size": 10 * size, "order": {"accounts": "desc"}}
    if include:
        # Compared as texts: by ordinals, 2.19.1 fails for a prefix that comes after all terms there are.
        terms |= {"include": include, "execution_hint": "map"}
    return {
        "size": 0,
        "track_total_hits": False,
        "timeout": _SECONDS,
        "query": {"bool": {"filter": [_SHOWN, *filters]}},
        "aggs": {"values": {"terms": terms, "aggs": {"accounts": {"cardinality": {"field": "author"}}}}},
    }


def _prefix(field: str, prefix: str) -> dict[str, Any]:
    return {"prefix": {field: {"value": prefix}}}


def _any_of(field: str, ids: Collection[int]) -> dict[str, Any]:
    return {"terms": {field: list(islice(ids, MAX_TERMS))}}


def _epoch_ms(at: datetime) -> int:
    """No post is older than 1970, and the field has no times before."""
    return max(0, int(at.timestamp() * 1000))
