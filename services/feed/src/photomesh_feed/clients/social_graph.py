"""Who follows an author, from social-graph: millions of ids, page by page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import aiohttp

from photomesh_feed.errors import SourceUnavailable
from photomesh_shared.ids import encode
from photomesh_shared.observability import tracing
from photomesh_shared.packed_ids import ID_BYTES, unpack

__all__ = ["PAGE", "HttpFollowers"]

PAGE = 5_000
_TIMEOUT = aiohttp.ClientTimeout(total=10, sock_connect=1)


class HttpFollowers:
    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def pages(self, author_id: int) -> AsyncGenerator[bytes, None]:
        """All followers, packed, ascending, PAGE at a time. The next page is fetched while the last is worked on.

        Who follows or unfollows meanwhile may be in it or not. Close it when it is not read to the end. Raises
        SourceUnavailable.
        """
        fetching = asyncio.create_task(self._page(author_id, 0))
        try:
            while True:
                page = await fetching
                is_last = len(page) < PAGE * ID_BYTES
                if not is_last:
                    fetching = asyncio.create_task(self._page(author_id, unpack(page[-ID_BYTES:])[0]))
                if page:
                    yield page
                if is_last:
                    return
        finally:
            fetching.cancel()
            await asyncio.gather(fetching, return_exceptions=True)

    async def popular(self, at_least: int) -> list[tuple[int, int]]:
        """Accounts with so many followers, and how many. Raises SourceUnavailable."""
        found = json.loads(await self._get("/internal/popular", at_least=at_least))
        return [(account, followers) for account, followers in found]

    async def _page(self, author_id: int, after: int) -> bytes:
        return await self._get(f"/internal/accounts/{encode('u', author_id)}/followers", after=after, limit=PAGE)

    async def _get(self, path: str, **query: int) -> bytes:
        headers: dict[str, str] = {}
        tracing.inject(headers)
        try:
            async with self._session.get(
                f"{self._url}{path}", params=query, headers=headers, timeout=_TIMEOUT
            ) as answer:
                answer.raise_for_status()
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise SourceUnavailable("social-graph does not answer.") from error
