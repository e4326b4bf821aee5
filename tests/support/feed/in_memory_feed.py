"""Feed in memory: the real scripts on a fake Redis, with in-memory sources."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from fakeredis import FakeAsyncRedis
from redis.asyncio import Redis

from photomesh_feed.domain.order import MS_BITS, id_ms
from photomesh_feed.domain.pages import FeedPage, Mode, Position
from photomesh_feed.reading.served import Served
from photomesh_feed.reading.service import FeedService
from photomesh_feed.store import keys
from photomesh_feed.wiring import open_feed_service
from photomesh_shared.events import Envelope, PostPublished
from tests.support.clock import FakeClock
from tests.support.feed.sources import InMemorySources
from tests.support.feed.suggestions import InMemorySuggestions
from tests.support.feed.write_side import CDN, WriteSide
from tests.support.waiting import eventually

__all__ = ["InMemoryFeed", "open_in_memory_feed", "post_ids"]


class InMemoryFeed:
    """Both sides of feed: events come in by `write`, pages go out by `page`."""

    service: FeedService

    def __init__(self, redis: Redis, sources: InMemorySources, clock: FakeClock, write: WriteSide) -> None:
        self.redis = redis
        self.sources = sources
        self.clock = clock
        self.write = write
        self.suggestions = InMemorySuggestions()
        self.served: list[Served] = []
        """Records of ranked orders."""

    def record(self, served: Served) -> None:
        """Implements `reading.served.ServedRecorder`."""
        self.served.append(served)

    def post_id(self, minutes_ago: int, number: int = 0) -> int:
        return id_ms(self.clock.now() - timedelta(minutes=minutes_ago)) << MS_BITS | number

    def publish(self, author: int, minutes_ago: Sequence[int], caption: str = "") -> list[int]:
        """Publishes posts in post only, as if the events were long gone. Returns them in the given order."""
        posts = [self.post_id(minutes, author % 200) for minutes in minutes_ago]
        for post in posts:
            self.sources.publish(post, author, caption)
        return posts

    async def push(self, post_id: int, author: int) -> None:
        """Publishes a post, handles its event, and executes its tasks."""
        fact = self.sources.publish(post_id, author)
        event: Envelope[PostPublished] = Envelope.of(fact, entityversion=1, time=fact.published_at)
        await self.write.handle(event)
        await self.write.execute_tasks()

    async def page(
        self, viewer: int, mode: Mode = "chronological", position: Position | None = None, limit: int = 20
    ) -> FeedPage:
        return await self.service.page(viewer, mode, position, limit)

    async def all_pages(self, viewer: int, mode: Mode = "chronological", limit: int = 20) -> list[int]:
        page = await self.page(viewer, mode, None, limit)
        posts = post_ids(page)
        while page.next is not None:
            page = await self.page(viewer, mode, page.next, limit)
            posts += post_ids(page)
        return posts

    async def warm(self, viewer: int, authors: Sequence[int]) -> None:
        """Makes an account follow authors and read its feed, and waits for the list."""
        self.sources.follow(viewer, authors)
        for author in authors:
            self.sources.followers[author] = sorted({*self.sources.followers.get(author, []), viewer})
        await self.page(viewer)
        await eventually(lambda: self.redis.zscore(keys.feed(viewer), keys.COMPLETE), until=lambda it: it is not None)


def post_ids(page: FeedPage) -> list[int]:
    return [int(row.post_id) for row in page.rows]


@asynccontextmanager
async def open_in_memory_feed(*, suggestion_seconds: float = 60.0) -> AsyncIterator[InMemoryFeed]:
    sources, clock = InMemorySources(), FakeClock()
    async with FakeAsyncRedis() as redis:
        feed = InMemoryFeed(redis, sources, clock, WriteSide(redis, sources, clock=clock))
        async with open_feed_service(
            redis,
            sources,
            sources,
            cdn_url=CDN,
            clock=clock,
            served=feed,
            explore=feed.suggestions,
            suggestion_seconds=suggestion_seconds,
        ) as service:
            feed.service = service
            yield feed
