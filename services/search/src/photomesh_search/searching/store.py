"""Reads the index."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import OpenSearchException, TransportError

from photomesh_search.errors import SearchUnavailable
from photomesh_search.indices.store import ACCOUNTS, POSTS, unavailable
from photomesh_search.metrics import REFUSED
from photomesh_search.searching import bodies
from photomesh_search.searching.domain import FoundPlace, FoundTag, Hit, Near, PostQuery

__all__ = ["IndexReader"]


class IndexReader:
    """Implements `service.Index`."""

    def __init__(self, client: AsyncOpenSearch, indices: Mapping[str, str]) -> None:
        """`indices`: the aliases for reading, by name."""
        self._client = client
        self._indices = indices

    async def account_named(self, username: str) -> int | None:
        hits = (await self._search(ACCOUNTS, bodies.named(username)))["hits"]["hits"]
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
        body = bodies.accounts(prefixes, exact=exact, followed=followed, near=near, after=after, size=size)
        hits = (await self._search(ACCOUNTS, body))["hits"]["hits"]
        return [Hit(int(hit["_id"]), (str(hit["sort"][0]), hit["sort"][1])) for hit in hits]

    async def posts(
        self, query: PostQuery, *, author_id: int | None, muted: Collection[int], before_id: int | None, size: int
    ) -> list[Hit]:
        """Return posts for which all of the query holds, the newest first."""
        body = bodies.posts(query, author_id=author_id, muted=muted, before_id=before_id, size=size)
        hits = (await self._search(POSTS, body))["hits"]["hits"]
        return [Hit(int(hit["_id"]), (int(hit["_id"]),)) for hit in hits]

    async def hashtags(self, prefix: str, *, size: int) -> list[FoundTag]:
        """Return hashtags that begin so, by how many accounts use them."""
        return [FoundTag(name, accounts) for name, accounts in await self._groups(bodies.hashtags(prefix, size=size))]

    async def places(self, prefixes: Sequence[str], near: Near | None, *, size: int) -> list[FoundPlace]:
        """Return places of posts whose words begin so, by how many accounts have been there."""
        found = await self._groups(bodies.places(prefixes, near, size=size))
        return [_place(key, accounts) for key, accounts in found]

    async def _groups(self, body: dict[str, Any]) -> list[tuple[str, int]]:
        buckets = (await self._search(POSTS, body))["aggregations"]["values"]["buckets"]
        return [(bucket["key"], bucket["accounts"]["value"]) for bucket in buckets]

    async def _search(self, name: str, body: dict[str, Any]) -> Any:
        try:
            return await self._client.search(index=self._indices[name], body=body)
        except OpenSearchException as error:
            if unavailable(error) or not isinstance(error, TransportError):
                raise SearchUnavailable from error
            # `bodies` made what it should not, which is our fault: a 500, and an alert. To try it again would not help.
            REFUSED.labels("search").inc()
            raise


def _place(key: str, accounts: int) -> FoundPlace:
    name, _, where = key.rpartition("\n")
    latitude, _, longitude = where.partition(",")
    return FoundPlace(name, float(latitude) if where else None, float(longitude) if where else None, accounts)
