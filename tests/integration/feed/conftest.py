"""Reading feeds on a real Redis, a database of its own, with stand-ins for the services behind them."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from photomesh_feed.app import create_app
from photomesh_feed.domain.snapshots import published
from photomesh_feed.settings import Settings
from photomesh_feed.store import keys
from photomesh_shared.events import PostPublished
from photomesh_shared.ids import EPOCH, decode
from tests.conftest import Environment
from tests.integration.feed.sources import Sources
from tests.support.services import client_of, settings_from
from tests.support.tokens import Issuer
from tests.support.waiting import eventually

_DATABASE = 5  # feed's own programs have 2
_START = datetime.now(UTC) - timedelta(days=60)


@dataclass
class World:
    """Accounts, posts, and what is asked of feed about them."""

    client: httpx.AsyncClient
    redis: Redis
    sources: Sources
    issuer: Issuer
    app: FastAPI
    environment: Mapping[str, str]
    """Of a process that reads the same."""
    account: Callable[[], int]
    """A new account's id."""

    def post_id(self, minute: int, number: int = 0) -> int:
        """An id of so many minutes after the beginning of time here."""
        ms = (_START - EPOCH + timedelta(minutes=minute)) // timedelta(milliseconds=1)
        return ms << 22 | 1 << 18 | number

    def publish(self, author: int, minutes: range, caption: str = "") -> list[int]:
        """Posts, the newest first."""
        posts = [self.post_id(minute, author % 200) for minute in minutes]
        for post in posts:
            self.sources.publish(post, author, caption)
        return posts[::-1]

    async def push(self, fact: PostPublished, *readers: int) -> None:
        """What the consumer and the fan-out do with a new post."""
        score = keys.score(fact.post_id)
        await self.redis.hset(keys.post(fact.post_id), mapping=published(fact, 2, "http://cdn").fields())  # type: ignore[arg-type]
        if await self.redis.exists(keys.timeline(fact.author_id)):
            await self.redis.zadd(keys.timeline(fact.author_id), {str(fact.post_id): score})
        for reader in readers:
            if await self.redis.exists(keys.feed(reader)):
                await self.redis.zadd(keys.feed(reader), {str(fact.post_id): score})

    async def read(self, account: int, **query: Any) -> httpx.Response:
        headers = self.issuer.headers(account)
        return await self.client.get("/v1/feed", params=query, headers=headers)

    async def page(self, account: int, **query: Any) -> tuple[list[int], str | None]:
        answer = await self.read(account, **query)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return [decode("o", item["id"]) for item in body["items"]], body["next_cursor"]

    async def all(self, account: int, **query: Any) -> list[int]:
        """Every page, put together."""
        posts: list[int] = []
        cursor = None
        for _ in range(1_000):
            page, cursor = await self.page(account, **query | ({"cursor": cursor} if cursor else {}))
            posts += page
            if cursor is None:
                return posts
        raise AssertionError("the feed does not end")

    async def whole(self, account: int) -> None:
        """Waits until the list is filled."""

        async def is_whole() -> bool:
            return await self.redis.zscore(keys.feed(account), keys.COMPLETE) is not None

        await eventually(is_whole, within=10)


@pytest.fixture
async def world(service_environment: Environment, issuer: Issuer) -> AsyncIterator[World]:
    environment = service_environment("feed")
    url = environment["PHOTOMESH_FEED_REDIS_URL"].rpartition("/")[0] + f"/{_DATABASE}"
    numbers = itertools.count(1_000)
    async with Sources().serving() as sources, Redis.from_url(url) as redis:
        await redis.flushdb()
        environment = dict(environment) | {
            "PHOTOMESH_FEED_REDIS_URL": url,
            "PHOTOMESH_POST_URL": sources.url,
            "PHOTOMESH_SOCIAL_GRAPH_URL": sources.url,
        }
        app = create_app(settings_from(Settings, environment))
        async with client_of(app) as client:
            yield World(client, redis, sources, issuer, app, environment, lambda: next(numbers))
