"""CDN purge client."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
from prometheus_client import Counter

from photomesh_shared.errors import ServiceUnavailable

__all__ = ["HttpCdn"]

PURGES = Counter("photomesh_cdn_purges_total", "Objects purged from a layer of the CDN.", ["outcome"])
for _outcome in ("ok", "failed"):
    PURGES.labels(_outcome)  # from 0, or the first failure would show no increase

_TIMEOUT_SECONDS = 5.0
_CONCURRENT_PURGES = 16
"""Fewer than the client's connections: httpx leaks those of requests that are cancelled while they wait for one, until
nothing is purged any more."""


class HttpCdn:
    """CDN purge client. `layers` are base URLs, from the one next to the store to the outermost: a layer that is purged
    before the one behind it fetches the old object again."""

    def __init__(self, client: httpx.AsyncClient, layers: Sequence[str], *, public_url: str) -> None:
        self._client = client
        self._layers = layers
        self._path = urlsplit(public_url).path.rstrip("/")
        self._places = asyncio.Semaphore(_CONCURRENT_PURGES)

    async def purge(self, keys: Sequence[str]) -> None:
        """Purges these keys from every layer. Idempotent. Raises ServiceUnavailable."""
        for layer in self._layers:
            await asyncio.gather(*(self._purge(f"{layer.rstrip('/')}{self._path}/{key}") for key in keys))

    async def _purge(self, url: str) -> None:
        try:
            async with self._places:
                answer = await self._client.request("PURGE", url, timeout=_TIMEOUT_SECONDS)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            PURGES.labels("failed").inc()
            raise ServiceUnavailable(f"PURGE {url}: {error}") from error
        PURGES.labels("ok").inc()
