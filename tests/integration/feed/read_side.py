"""The HTTP process of feed on a real Redis, with stand-ins for the services behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from redis.asyncio import Redis

from photomesh_feed.domain.order import MS_BITS, id_ms
from photomesh_feed.domain.snapshots import Snapshot, StoredPost
from photomesh_feed.store import keys
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.events import PostPublished
from photomesh_shared.ids import decode
from tests.support.feed.sources import InMemorySources
from tests.support.feed.suggestions import InMemorySuggestions
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

__all__ = ["ReadSide"]

_START = datetime.now(UTC) - timedelta(days=60)
_NOT_STORED = StoredPost(0, None, 0, None, False)


@dataclass
class ReadSide:
    client: httpx.AsyncClient
    redis: Redis
    sources: InMemorySources
    suggestions: InMemorySuggestions
    issuer: Issuer
    app: FastAPI
    environment: Mapping[str, str]
    """Of another process that reads the same."""
    new_account: Callable[[], int]
    """Returns a new account's id."""

    def post_id(self, minute: int, number: int = 0) -> int:
        """Returns an id made so many minutes after a start 60 days ago."""
        return id_ms(_START + timedelta(minutes=minute)) << MS_BITS | 1 << 18 | number

    def publish(self, author: int, minutes: range, caption: str = "") -> list[int]:
        """Publishes a post in each of these minutes. Returns them, newest first."""
        posts = [self.post_id(minute, author % 200) for minute in minutes]
        for post in posts:
            self.sources.publish(post, author, caption)
        return posts[::-1]

    async def push(self, fact: PostPublished, *readers: int) -> None:
        """Does what the consumer and the fan-out do with a new post."""
        writer = FeedWriter(self.redis)
        await writer.save_snapshot(Snapshot.of_publication(fact, 2, "http://cdn"), _NOT_STORED)
        if await self.redis.exists(keys.timeline(fact.author_id)):
            await writer.add_to_timeline(fact.author_id, [fact.post_id], "one")
        await writer.fan_out(fact.post_id, readers, older_remain=False)

    async def delete(self, post_id: int, author_id: int) -> None:
        """Does what the consumer does with a deleted post."""
        await FeedWriter(self.redis).delete_post(post_id, author_id)

    async def get(self, account: int, **query: Any) -> httpx.Response:
        return await self.client.get("/v1/feed", params=query, headers=self.issuer.headers(account))

    async def page(self, account: int, **query: Any) -> tuple[list[int], str | None]:
        """Returns a page's posts and the cursor of the next page."""
        response = await self.get(account, **query)
        assert response.status_code == 200, response.text
        body = response.json()
        return [decode("o", item["id"]) for item in body["items"]], body["next_cursor"]

    async def all_pages(self, account: int, **query: Any) -> list[int]:
        """Returns the posts of all pages."""
        posts: list[int] = []
        cursor = None
        for _ in range(1_000):
            page, cursor = await self.page(account, **query | ({"cursor": cursor} if cursor else {}))
            posts += page
            if cursor is None:
                return posts
        raise AssertionError("the feed does not end")

    async def list_filled(self, account: int) -> None:
        """Waits until the account's list is complete."""

        async def is_complete() -> bool:
            return await self.redis.zscore(keys.feed(account), keys.COMPLETE) is not None

        await eventually(is_complete, within=10)
