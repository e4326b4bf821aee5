"""How long it takes until a feed shows that its reader follows somebody, and no longer does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from photomesh_shared.ids import encode

__all__ = ["Reader", "Seen", "seconds_to_see"]

_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Reader:
    """Somebody, and an author whom they do not follow and whose newest post is newer than their first page."""

    url: str
    token: str
    author: int


@dataclass(frozen=True)
class Seen:
    """Seconds from the answer to the call until the feed shows it."""

    follow: Sequence[float]
    unfollow: Sequence[float]


async def seconds_to_see(readers: Sequence[Reader]) -> Seen:
    """One reader after the other: looks at the feed, follows, looks until the author is there, unfollows, looks until
    they are gone. Between two looks is no pause, so an answer is at most a look old."""
    follow, unfollow = [], []
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        for reader in readers:
            if await _shows(http, reader):
                raise SystemExit("the feed shows somebody who is not followed yet")
            follow.append(await _call(http, reader, "PUT"))
            unfollow.append(await _call(http, reader, "DELETE"))
    return Seen(follow, unfollow)


async def _call(http: aiohttp.ClientSession, reader: Reader, method: str) -> float:
    path = f"{reader.url}/v1/users/{encode('u', reader.author)}/follow"
    async with http.request(method, path, headers=_headers(reader)):
        answered = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while await _shows(http, reader) != (method == "PUT"):
            pass
    return time.perf_counter() - answered


async def _shows(http: aiohttp.ClientSession, reader: Reader) -> bool:
    path = f"{reader.url}/v1/feed?mode=chronological&limit=20"
    async with http.get(path, headers=_headers(reader)) as response:
        page = await response.json()
        return any(item["author"]["id"] == encode("u", reader.author) for item in page["items"])


def _headers(reader: Reader) -> dict[str, str]:
    return {"Authorization": f"Bearer {reader.token}"}
