"""HTTP calls to another service."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.observability import tracing

__all__ = ["Service"]


class Service:
    def __init__(self, session: aiohttp.ClientSession, name: str, url: str, *, timeout_seconds: float = 5.0) -> None:
        self._session = session
        self._name = name
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=1)

    async def json(self, method: str, path: str, body: object = None) -> Any:
        """Returns the JSON of the response. Raises SourceUnavailable."""
        try:
            return json.loads(await self.bytes(method, path, body))
        except ValueError as error:
            raise SourceUnavailable(f"{self._name} does not respond.") from error

    async def bytes(self, method: str, path: str, body: object = None) -> bytes:
        """Returns the body of the response. Raises SourceUnavailable for any other than a success, because what feed
        asks for is never wrong."""
        headers: dict[str, str] = {}
        tracing.inject(headers)
        try:
            async with self._session.request(
                method, f"{self._url}{path}", json=body, headers=headers, timeout=self._timeout
            ) as response:
                response.raise_for_status()
                return await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SourceUnavailable(f"{self._name} does not respond.") from error
