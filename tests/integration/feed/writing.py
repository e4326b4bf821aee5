"""The write side of feed on a real Redis, with stand-ins for social-graph and post."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web
from redis.asyncio import Redis

from photomesh_feed.clients.post import HttpPosts
from photomesh_feed.clients.social_graph import HttpFollowers
from photomesh_feed.consumer import handlers
from photomesh_feed.delivery.fanout_planner import Tasks
from photomesh_feed.delivery.fanout_worker import Inserting
from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.delivery.timeline_cache import Timelines
from photomesh_feed.store import keys
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.writer import FeedWrites
from photomesh_feed.writing.event_handlers import Folding
from photomesh_shared import ids
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import (
    Envelope,
    Event,
    FanoutRequested,
    FollowCreated,
    FollowDeleted,
    PostDeleted,
    PostEdited,
    PostPublished,
    Record,
)
from photomesh_shared.packed_ids import pack

__all__ = ["CDN", "Desk", "Lists", "Neighbours", "deleted", "edited", "follow", "published", "unfollow"]

CDN = "https://cdn.example"
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)


def published(post_id: int, author_id: int, version: int = 1, *, at: datetime | None = None) -> Envelope[PostPublished]:
    event = PostPublished.example().model_copy(update={"post_id": post_id, "author_id": author_id})
    return Envelope.of(event, entityversion=version, id=f"{event.subject()}.published", time=at)


def edited(post_id: int, author_id: int, version: int) -> Envelope[PostEdited]:
    words = {"post_id": post_id, "author_id": author_id, "caption": f"version {version}"}
    return Envelope.of(PostEdited.example().model_copy(update=words), entityversion=version)


def deleted(post_id: int, author_id: int, version: int = 9) -> Envelope[PostDeleted]:
    event = PostDeleted.example().model_copy(update={"post_id": post_id, "author_id": author_id})
    return Envelope.of(event, entityversion=version)


def follow(follower: int, followee: int, version: int = 1, *, followers: int = 1) -> Envelope[FollowCreated]:
    event = FollowCreated(follower_id=follower, followee_id=followee, followers=followers, created_at=_AT)
    return Envelope.of(event, entityversion=version)


def unfollow(follower: int, followee: int, version: int = 2, *, followers: int = 0) -> Envelope[FollowDeleted]:
    event = FollowDeleted(follower_id=follower, followee_id=followee, followers=followers, deleted_at=_AT)
    return Envelope.of(event, entityversion=version)


class Neighbours:
    """What social-graph and post answer to feed; change the attributes at will."""

    def __init__(self) -> None:
        self.followers: dict[int, list[int]] = {}
        self.posts: dict[int, list[int]] = {}
        """By author, the newest first."""
        self.url = ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Neighbours]:
        app = web.Application()
        app.add_routes(
            [
                web.get("/internal/accounts/{account}/followers", self._followers),
                web.get("/internal/popular", self._popular),
                web.post("/internal/timelines", self._timelines),
            ]
        )
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _followers(self, request: web.Request) -> web.Response:
        known = self.followers.get(ids.decode("u", request.match_info["account"]), [])
        start = bisect_right(known, int(request.query["after"]))
        return web.Response(body=pack(known[start : start + int(request.query["limit"])]))

    async def _popular(self, request: web.Request) -> web.Response:
        least = int(request.query["at_least"])
        return web.json_response([(who, len(them)) for who, them in self.followers.items() if len(them) >= least])

    async def _timelines(self, request: web.Request) -> web.Response:
        wanted = await request.json()
        before = ids.decode("o", wanted["before"]) if wanted["before"] else ids.MAX_ID
        found = {
            author: [ids.encode("o", post) for post in self.posts.get(ids.decode("u", author), []) if post < before][
                : wanted["limit"]
            ]
            for author in wanted["author_ids"]
        }
        return web.json_response({"timelines": found})


class Lists:
    """What is in feeds, and feeds of people who read theirs lately."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis

    async def open(self, accounts: Iterable[int], *, following: Sequence[int] = ()) -> None:
        """These have read all that there is, and follow whom is given."""
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
        """These have read all that there is."""
        marks: Any = {keys.COMPLETE: keys.MARKER_SCORE, keys.BOTTOM: keys.BOTTOM_SCORE}
        for some in _batched(accounts, 1000):
            async with self.redis.pipeline(transaction=False) as pipe:
                for account in some:
                    pipe.zadd(keys.feed(account), marks)
                await pipe.execute()

    async def feed(self, account: int) -> list[int]:
        return await self._members(keys.feed(account))

    async def timeline(self, author: int) -> list[int]:
        return await self._members(keys.timeline(author))

    async def marked(self, key: str) -> set[str]:
        members: Any = await self.redis.zrange(key, 0, -1)
        return {member.decode() for member in members} & {keys.COMPLETE, keys.INCOMPLETE, keys.BOTTOM}

    async def having(self, post: int, accounts: Sequence[int]) -> int:
        """How many of these accounts have the post in their feeds."""
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


class Desk:
    """Hands events to the consumer, and tasks to the fan-out when told to: in any order and as often as one likes."""

    def __init__(self, redis: Redis, session: aiohttp.ClientSession, neighbours: Neighbours, threshold: int) -> None:
        self.neighbours = neighbours
        self.lists = Lists(redis)
        self.tasks: list[Envelope[FanoutRequested]] = []
        store = FeedWrites(redis)
        followers = HttpFollowers(session, neighbours.url)
        timelines = Timelines(store, HttpPosts(session, "post", neighbours.url))
        tasks = Tasks(followers, self)
        popularity = Popularity(store, followers, tasks, timelines, SystemClock(), threshold=threshold)
        self.folding = Folding(store, timelines, tasks, popularity, cdn_url=CDN)
        self.inserting = Inserting(store, SystemClock())

    @staticmethod
    @asynccontextmanager
    async def opened(redis_url: str, threshold: int = 50) -> AsyncIterator[Desk]:
        async with open_redis(redis_url) as redis, aiohttp.ClientSession() as session:
            await redis.flushdb()
            async with Neighbours().serving() as neighbours:
                yield Desk(redis, session, neighbours, threshold)

    async def hears(self, *envelopes: Envelope[Any]) -> None:
        table = handlers(self.folding)
        for envelope in envelopes:
            await table[type(envelope.data)](envelope)

    async def work(self) -> None:
        """Does all tasks that were asked for."""
        tasks, self.tasks = self.tasks, []
        for task in tasks:
            await self.inserting.insert(task)

    # The publisher of tasks

    async def publish(self, envelope: Envelope[Event]) -> None:
        await self.publish_many([envelope])

    async def publish_many(self, envelopes: Sequence[Envelope[Event]]) -> None:
        for envelope in envelopes:
            assert isinstance(envelope.data, FanoutRequested)
            self.tasks.append(envelope)  # type: ignore[arg-type] # just checked

    async def send(self, records: Sequence[Record]) -> None:
        raise NotImplementedError


def _batched(values: Iterable[int], size: int) -> Iterable[list[int]]:
    rest = list(values)
    return (rest[start : start + size] for start in range(0, len(rest), size))


NewId = Callable[[], int]
