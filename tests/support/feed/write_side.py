"""The consumer's handlers and the fan-out worker, on the fake Redis or a real one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from redis.asyncio import Redis

from photomesh_feed.consumer import batch_handlers as batch_table
from photomesh_feed.consumer import handlers as event_table
from photomesh_feed.consumer_wiring import PostSource, SocialGraph, build_event_handlers
from photomesh_feed.delivery.fanout_worker import FanoutWorker
from photomesh_feed.store import keys
from photomesh_feed.store.deferred import RedisDeferredFanouts
from photomesh_feed.store.eraser import FeedEraser
from photomesh_feed.store.filler import FeedFiller
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.events import Envelope, Event, FanoutRequested, Record
from tests.support.feed.sources import InMemorySources

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
    """Publisher of fan-out tasks, which keeps them, and the sizes of batches."""

    def __init__(self) -> None:
        self.tasks: list[Envelope[FanoutRequested]] = []
        self.batches: list[int] = []

    async def publish(self, envelope: Envelope[Event]) -> None:
        await self.publish_many([envelope])

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        self.batches.append(len(envelopes))
        for envelope in envelopes:
            assert isinstance(envelope.data, FanoutRequested)
            self.tasks.append(envelope)  # type: ignore[arg-type] # just checked

    async def send(self, records: Sequence[Record]) -> None:
        raise NotImplementedError


class WriteSide:
    """Hands events to the handlers in any order and as often as a test likes. Tasks wait in `tasks` for
    `execute_tasks`."""

    def __init__(
        self,
        redis: Redis,
        sources: InMemorySources,
        *,
        consumer: Redis | None = None,
        fanout: Redis | None = None,
        social_graph: SocialGraph | None = None,
        post: PostSource | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`consumer` and `fanout`: the same database, as these programs may use it; default: `redis`.
        `social_graph` and `post`: clients of the sources; the default calls them directly."""
        clock = clock or SystemClock()
        self.redis = redis
        self.sources = sources
        self.lists = FeedLists(redis)
        self.worker = FanoutWorker(FeedWriter(fanout or redis), clock)
        self._recorder = TaskRecorder()
        self.handlers = build_event_handlers(
            FeedWriter(consumer or redis),
            FeedFiller(consumer or redis),
            FeedEraser(consumer or redis),
            RedisDeferredFanouts(consumer or redis),
            social_graph or sources,
            post or sources,
            self._recorder,
            clock,
            celebrity_followers=THRESHOLD,
            cdn_url=CDN,
        )
        self._handlers = event_table(self.handlers)
        self._batch_handlers = batch_table(self.handlers)

    @property
    def tasks(self) -> list[Envelope[FanoutRequested]]:
        return self._recorder.tasks

    async def know_since_long_ago(self) -> None:
        """Redis has seen all events of the last weeks."""
        await self.redis.set(keys.SINCE, 0)

    async def handle(self, *envelopes: Envelope[Any]) -> None:
        """As the runner would those of one owner that wait."""
        for handle_batch, batch in groupby(
            envelopes, key=lambda envelope: self._batch_handlers.get(type(envelope.data))
        ):
            if handle_batch is not None:
                await handle_batch(list(batch))
            else:
                for envelope in batch:
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
