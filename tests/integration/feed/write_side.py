"""The consumer's handlers and the fan-out worker on a real Redis, with stand-ins for the services behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from redis.asyncio import Redis

from photomesh_feed.clients.post import PostClient
from photomesh_feed.clients.service import Service
from photomesh_feed.clients.social_graph import SocialGraphClient
from photomesh_feed.consumer import handlers as event_table
from photomesh_feed.consumer_wiring import EventHandlers, build_event_handlers
from photomesh_feed.delivery.fanout_worker import FanoutWorker
from photomesh_feed.store import keys
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, Event, FanoutRequested, Record
from tests.support.feed.sources import InMemorySources
from tests.support.feed.stand_ins import serve

__all__ = ["THRESHOLD", "FeedLists", "TaskRecorder", "WriteSide"]

CDN = "https://cdn.example"
THRESHOLD = 50
"""Followers from which on an author is pulled."""


class FeedLists:
    """Lists and timelines in Redis, and lists of accounts that read their feeds lately."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def open(self, accounts: Iterable[int], *, following: Sequence[int] = ()) -> None:
        """Creates complete, empty feeds of accounts that follow these authors."""
        accounts = list(accounts)
        await self.open_lists(accounts)
        for some in _batched(accounts, 1000):
            async with self.redis.pipeline(transaction=False) as pipe:
                for account in some:
                    pipe.hset(keys.follow_versions(account), keys.MARKER, "0")
                    for author in following:
                        pipe.hset(keys.follow_versions(account), str(author), "1")
                        pipe.sadd(keys.following(account), str(author))
                await pipe.execute()

    async def open_lists(self, accounts: Iterable[int]) -> None:
        """Creates complete, empty lists; nothing is known of follows."""
        markers: Any = {keys.COMPLETE: keys.MARKER_SCORE, keys.BOTTOM: keys.BOTTOM_SCORE}
        for some in _batched(accounts, 1000):
            async with self.redis.pipeline(transaction=False) as pipe:
                for account in some:
                    pipe.zadd(keys.feed(account), markers)
                await pipe.execute()

    async def feed(self, account: int) -> list[int]:
        return await self._members(keys.feed(account))

    async def timeline(self, author: int) -> list[int]:
        return await self._members(keys.timeline(author))

    async def markers(self, key: str) -> set[str]:
        members: Any = await self.redis.zrange(key, 0, -1)
        return {member.decode() for member in members} & {keys.COMPLETE, keys.INCOMPLETE, keys.BOTTOM}

    async def count_having(self, post: int, accounts: Sequence[int]) -> int:
        """Returns how many of these accounts have the post in their feeds."""
        count = 0
        for some in _batched(accounts, 2000):
            async with self.redis.pipeline(transaction=False) as pipe:
                for account in some:
                    pipe.zscore(keys.feed(account), str(post))
                count += sum(score is not None for score in await pipe.execute())
        return count

    async def _members(self, key: str) -> list[int]:
        members: Any = await self.redis.zrange(key, 0, -1)
        return [int(member) for member in members if int(member) > 2]


class TaskRecorder:
    """Publisher of fan-out tasks, which keeps them."""

    def __init__(self) -> None:
        self.tasks: list[Envelope[FanoutRequested]] = []

    async def publish(self, envelope: Envelope[Event]) -> None:
        await self.publish_many([envelope])

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        for envelope in envelopes:
            assert isinstance(envelope.data, FanoutRequested)
            self.tasks.append(envelope)  # type: ignore[arg-type] # just checked

    async def send(self, records: Sequence[Record]) -> None:
        raise NotImplementedError


class WriteSide:
    """Hands events to the handlers in any order and as often as a test likes. Tasks wait in `tasks` for
    `execute_tasks`."""

    def __init__(self, redis: Redis, handlers: EventHandlers, recorder: TaskRecorder, sources: InMemorySources) -> None:
        self.redis = redis
        self.lists = FeedLists(redis)
        self.sources = sources
        self.worker = FanoutWorker(FeedWriter(redis), SystemClock())
        self._handlers = event_table(handlers)
        self._recorder = recorder

    @staticmethod
    @asynccontextmanager
    async def opened(redis_url: str) -> AsyncIterator[WriteSide]:
        sources, recorder = InMemorySources(), TaskRecorder()
        async with open_redis(redis_url) as redis, aiohttp.ClientSession() as session, serve(sources) as url:
            await redis.flushdb()
            handlers = build_event_handlers(
                FeedWriter(redis),
                SocialGraphClient(Service(session, "social-graph", url)),
                PostClient(Service(session, "post", url)),
                recorder,
                SystemClock(),
                celebrity_followers=THRESHOLD,
                cdn_url=CDN,
            )
            yield WriteSide(redis, handlers, recorder, sources)

    @property
    def tasks(self) -> list[Envelope[FanoutRequested]]:
        return self._recorder.tasks

    async def handle(self, *envelopes: Envelope[Any]) -> None:
        for envelope in envelopes:
            await self._handlers[type(envelope.data)](envelope)

    async def execute_tasks(self) -> None:
        tasks, self._recorder.tasks = self.tasks, []
        for task in tasks:
            await self.worker.execute(task)

    async def follow(self, author: int, followers: Sequence[int]) -> None:
        """Gives an author these followers, whose feeds are complete and empty."""
        self.sources.followers[author] = sorted(followers)
        await self.lists.open(followers, following=[author])


def _batched(values: Iterable[int], size: int) -> Iterable[list[int]]:
    rest = list(values)
    return (rest[start : start + size] for start in range(0, len(rest), size))
