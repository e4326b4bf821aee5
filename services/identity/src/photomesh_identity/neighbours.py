"""What profiles ask social-graph and post. Many who ask the same at once share an answer, never with another viewer."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from photomesh_identity.errors import RelationsUnavailable
from photomesh_identity.profiles import Summary
from photomesh_shared.errors import Unavailable
from photomesh_shared.ids import encode
from photomesh_shared.observability import logs, tracing
from photomesh_shared.single_flight import SingleFlight

__all__ = ["HttpGraph", "HttpPosts"]

log = logging.getLogger(__name__)

_SECONDS = 1.0  # both answer within milliseconds; a profile is not worth a longer wait

T = TypeVar("T")


@dataclass(frozen=True)
class _Count:
    posts: int


_SUMMARY, _COUNT = TypeAdapter(Summary), TypeAdapter(_Count)


class HttpGraph:
    """Implements `profiles.Graph`."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._flights = SingleFlight[Summary]()

    async def summary(self, account_id: int, viewer_id: int | None) -> Summary:
        async def ask() -> Summary:
            viewer = f"?viewer_id={encode('u', viewer_id)}" if viewer_id is not None else ""
            url = f"{self._url}/internal/accounts/{encode('u', account_id)}/summary{viewer}"
            try:
                return await _ask(self._client, url, _SUMMARY)
            except Unavailable as error:
                raise RelationsUnavailable from error

        return await self._flights.run((account_id, viewer_id), ask)


class HttpPosts:
    """Implements `profiles.Posts`."""

    def __init__(self, client: httpx.AsyncClient, url: str) -> None:
        self._client = client
        self._url = url
        self._flights = SingleFlight[int]()

    async def count(self, account_id: int) -> int:
        async def ask() -> int:
            url = f"{self._url}/internal/accounts/{encode('u', account_id)}/posts/count"
            return (await _ask(self._client, url, _COUNT)).posts

        return await self._flights.run(account_id, ask)


async def _ask(client: httpx.AsyncClient, url: str, answer: TypeAdapter[T]) -> T:
    """Raises Unavailable."""
    headers = {"Request-Id": logs.request_id.get() or ""}
    with tracing.span("ask for a profile"):
        tracing.inject(headers)
        try:
            got = await client.get(url, headers=headers, timeout=_SECONDS)
            return answer.validate_json(got.raise_for_status().content, extra="ignore")
        except (httpx.HTTPError, ValidationError) as error:
            log.warning("a profile is not whole", extra={"url": url, "error": repr(error)})
            raise Unavailable from error
