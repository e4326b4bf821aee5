"""The connection to OpenSearch, and the indices behind their aliases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from opensearchpy import AsyncOpenSearch
from opensearchpy.exceptions import ConnectionError as NoConnection
from opensearchpy.exceptions import OpenSearchException, RequestError, TransportError

from photomesh_search.errors import SearchUnavailable

__all__ = ["ACCOUNTS", "NAMES", "POSTS", "Indices", "open_client", "unavailable"]

ACCOUNTS: Final = "accounts"
POSTS: Final = "posts"
NAMES = (ACCOUNTS, POSTS)

_TEXT: Final = {"type": "text", "analyzer": "whitespace", "norms": False}
_PREFIXED: Final = {
    **_TEXT,
    "index_options": "docs",
    "index_prefixes": {"min_chars": 1, "max_chars": 10},
}
_STORED: Final = {"enabled": False}
_MAPPINGS: Mapping[str, Mapping[str, Any]] = {
    ACCOUNTS: {
        "v": _STORED,
        "id": {"type": "long"},
        "username": {"type": "keyword"},
        "names": _PREFIXED,
        "followers": {"type": "rank_feature"},
        "public": {"type": "boolean"},
        "shown": {"type": "boolean"},
        "filled": {"type": "boolean", "index": False},
    },
    POSTS: {
        "version": {"type": "long", "index": False},
        "id": {"type": "long"},
        "author": {"type": "long"},
        "created": {"type": "date", "format": "epoch_millis"},
        "words": _TEXT,
        "tags": {"type": "keyword"},
        "has": {"type": "keyword"},
        "place": {"type": "keyword"},
        "place_words": _PREFIXED,
        "at": {"type": "geo_point"},
        "shown": {"type": "boolean"},
    },
}


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[AsyncOpenSearch]:
    """A client whose requests end after some seconds, and are not repeated by itself."""
    client = AsyncOpenSearch(hosts=[url], timeout=10, max_retries=0, retry_on_timeout=False, http_compress=False)
    try:
        yield client
    finally:
        await client.close()


def unavailable(error: OpenSearchException) -> bool:
    """Whether OpenSearch is unavailable or overloaded, rather than the request wrong."""
    if isinstance(error, NoConnection):
        return True
    return isinstance(error, TransportError) and error.status_code in (404, 408, 429, 500, 502, 503, 504, "TIMEOUT")


class Indices:
    """Each name is an alias for reading (`accounts-read`) and one for writing (`accounts-write`). Behind both is an
    index with the number of its generation (`accounts-1`)."""

    def __init__(self, client: AsyncOpenSearch, *, replicas: int = 0, prefix: str = "") -> None:
        """`prefix`: of all names, so that several can be on one server."""
        self._client = client
        self._replicas = replicas
        self._prefix = prefix

    def aliases(self, kind: str) -> dict[str, str]:
        """Return the aliases of a kind (`read`, `write`) by name."""
        return {name: f"{self._prefix}{name}-{kind}" for name in NAMES}

    async def check(self) -> None:
        """Raise SearchUnavailable unless OpenSearch answers."""
        try:
            await self._client.cluster.health(params={"local": "true"})
        except OpenSearchException as error:
            raise SearchUnavailable from error

    async def ensure(self) -> None:
        """Create the first generation of what is missing. Raises SearchUnavailable."""
        try:
            for name in NAMES:
                aliases = [self.aliases(kind)[name] for kind in ("read", "write")]
                if not await self._client.indices.exists_alias(name=aliases[-1]):
                    await self._create(name, f"{self._prefix}{name}-1", aliases)
        except OpenSearchException as error:
            raise SearchUnavailable from error

    async def begin_generation(self) -> Mapping[str, str]:
        """Create empty indices beside those in use. Returns the new index of each name. Raises SearchUnavailable."""
        try:
            made = {}
            for name in NAMES:
                present = await self._client.indices.get(index=f"{self._prefix}{name}-*")
                number = 1 + max((int(index.rpartition("-")[2]) for index in present), default=0)
                made[name] = f"{self._prefix}{name}-{number}"
                await self._create(name, made[name], [])
            return made
        except OpenSearchException as error:
            raise SearchUnavailable from error

    async def point(self, kind: str, to: Mapping[str, str]) -> None:
        """Have all aliases of a kind (`read`, `write`) lead to these indices, at once. Raises SearchUnavailable."""
        actions: list[dict[str, Any]] = []
        for name, index in to.items():
            alias = self.aliases(kind)[name]
            actions.append({"remove": {"index": f"{self._prefix}{name}-*", "alias": alias}})
            actions.append({"add": {"index": index, "alias": alias}})
        try:
            await self._client.indices.update_aliases(body={"actions": actions})
        except OpenSearchException as error:
            raise SearchUnavailable from error

    async def delete_unused(self) -> list[str]:
        """Delete the indices that no alias leads to. Returns their names. Raises SearchUnavailable."""
        try:
            unused = []
            for name in NAMES:
                present = await self._client.indices.get_alias(index=f"{self._prefix}{name}-*")
                unused += [index for index, one in present.items() if not one["aliases"]]
            for index in unused:
                await self._client.indices.delete(index=index)
            return unused
        except OpenSearchException as error:
            raise SearchUnavailable from error

    async def _create(self, name: str, index: str, aliases: Sequence[str]) -> None:
        body = {
            "settings": {"number_of_shards": 1, "number_of_replicas": self._replicas, "refresh_interval": "1s"},
            "mappings": {"dynamic": "strict", "properties": _MAPPINGS[name]},
            "aliases": {alias: {} for alias in aliases},
        }
        try:
            await self._client.indices.create(index=index, body=body)
        except RequestError as error:
            if error.error != "resource_already_exists_exception":  # another process was faster
                raise
