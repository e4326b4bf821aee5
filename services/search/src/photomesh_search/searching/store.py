"""Reads the index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import regex
from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import OpenSearchException, TransportError

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indices.store import ACCOUNTS, POSTS, unavailable
from photomesh_search.metrics import REFUSED
from photomesh_search.searching.domain import FoundPlace, FoundTag, Hit, Near, PostQuery

__all__ = ["IndexReader"]

_EXACT, _FOLLOWED, _NEAR = 1_000, 100, 50  # above any logarithm of followers; both is 150
_SHOWN = {"term": {"shown": True}}
_SECONDS = "2s"
_NO_SOURCE = {"_source": False, "track_total_hits": False, "timeout": _SECONDS}


class IndexReader:
    """Implements `service.Index`."""

    def __init__(self, client: AsyncOpenSearch, indices: Mapping[str, str]) -> None:
        """`indices`: the aliases for reading, by name."""
        self._client = client
        self._indices = indices

    async def account_named(self, username: str) -> int | None:
        body = {**_NO_SOURCE, "size": 1, "query": {"bool": {"filter": [_SHOWN, {"term": {"username": username}}]}}}
        hits = (await self._search(ACCOUNTS, body))["hits"]["hits"]
        return int(hits[0]["_id"]) if hits else None

    async def accounts(
        self,
        prefixes: Sequence[str],
        *,
        exact: str,
        followed: Collection[int],
        near: Collection[int],
        after: Sequence[str | int] | None,
        size: int,
    ) -> list[Hit]:
        """Return accounts with a word of each prefix: the one of exactly this username first, then followed ones, then
        those that followed ones follow, then by the logarithm of their followers."""
        ranks: list[dict[str, Any]] = [
            {"constant_score": {"filter": {"term": {"username": exact}}, "boost": _EXACT}},
            {"rank_feature": {"field": "followers", "log": {"scaling_factor": 1}}},
        ]
        for ids, boost in ((followed, _FOLLOWED), (near, _NEAR)):
            if ids:
                ranks.append({"constant_score": {"filter": {"terms": {"id": list(ids)}}, "boost": boost}})
        body: dict[str, Any] = {
            **_NO_SOURCE,
            "size": size,
            "query": {"bool": {"filter": [_SHOWN, *(_prefix("names", one) for one in prefixes)], "should": ranks}},
            "sort": [{"_score": "desc"}, {"id": "desc"}],
        }
        if after:
            body["search_after"] = [float(after[0]), after[1]]
        hits = (await self._search(ACCOUNTS, body))["hits"]["hits"]
        return [Hit(int(hit["_id"]), (str(hit["sort"][0]), hit["sort"][1])) for hit in hits]

    async def posts(
        self, query: PostQuery, *, author_id: int | None, muted: Collection[int], before_id: int | None, size: int
    ) -> list[Hit]:
        """Return posts for which all of the query holds, the newest first."""
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
        if limits := {name: int(at.timestamp() * 1000) for name, at in times.items() if at}:
            must.append({"range": {"created": limits}})
        body: dict[str, Any] = {
            **_NO_SOURCE,
            "size": size,
            "query": {"bool": {"filter": must, "must_not": [{"terms": {"author": list(muted)}}] if muted else []}},
            "sort": [{"id": "desc"}],
        }
        if before_id is not None:
            body["search_after"] = [before_id]
        hits = (await self._search(POSTS, body))["hits"]["hits"]
        return [Hit(int(hit["_id"]), (int(hit["_id"]),)) for hit in hits]

    async def hashtags(self, prefix: str, *, size: int) -> list[FoundTag]:
        """Return hashtags that begin so, by how many accounts use them."""
        pattern = regex.sub(r"([^\p{L}\p{N}])", r"\\\1", prefix) + ".*"
        found = await self._groups("tags", [{"prefix": {"tags": prefix}}], size=size, include=pattern)
        return [FoundTag(name, accounts) for name, accounts in found]

    async def places(self, prefixes: Sequence[str], near: Near | None, *, size: int) -> list[FoundPlace]:
        """Return places of posts whose words begin so, by how many accounts have been there."""
        filters: list[dict[str, Any]] = [{"exists": {"field": "place"}}]
        filters += [_prefix("place_words", one) for one in prefixes]
        if near:
            at = {"lat": near.latitude, "lon": near.longitude}
            filters.append({"geo_distance": {"distance": f"{near.kilometres}km", "at": at}})
        return [_place(key, accounts) for key, accounts in await self._groups("place", filters, size=size)]

    async def _groups(
        self, field: str, filters: Sequence[dict[str, Any]], *, size: int, include: str | None = None
    ) -> list[tuple[str, int]]:
        """Return the values of a field in these posts, by how many accounts have them."""
        terms: dict[str, Any] = {"field": field, "size": size, "shard_size": 10 * size, "order": {"accounts": "desc"}}
        if include:
            # Compared as texts: by ordinals, 2.19.1 fails for a prefix that comes after all terms there are.
            terms |= {"include": include, "execution_hint": "map"}
        body = {
            "size": 0,
            "track_total_hits": False,
            "timeout": _SECONDS,
            "query": {"bool": {"filter": [_SHOWN, *filters]}},
            "aggs": {"values": {"terms": terms, "aggs": {"accounts": {"cardinality": {"field": "author"}}}}},
        }
        buckets = (await self._search(POSTS, body))["aggregations"]["values"]["buckets"]
        return [(bucket["key"], bucket["accounts"]["value"]) for bucket in buckets]

    async def _search(self, name: str, body: dict[str, Any]) -> Any:
        try:
            return await self._client.search(index=self._indices[name], body=body)
        except OpenSearchException as error:
            if unavailable(error) or not isinstance(error, TransportError):
                raise SearchUnavailable from error
            # The query is wrong, which is our fault: a 500, and an alert. To try it again would not help.
            REFUSED.labels("search").inc()
            raise


def _prefix(field: str, prefix: str) -> dict[str, Any]:
    return {"prefix": {field: {"value": prefix}}}


def _place(key: str, accounts: int) -> FoundPlace:
    name, _, where = key.rpartition("\n")
    latitude, _, longitude = where.partition(",")
    return FoundPlace(name, float(latitude) if where else None, float(longitude) if where else None, accounts)
