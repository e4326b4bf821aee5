"""Everything that the service's two consumers are made of, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp

from photomesh_feed.clients.post import HttpPosts
from photomesh_feed.clients.social_graph import HttpFollowers
from photomesh_feed.delivery.fanout_planner import Tasks
from photomesh_feed.delivery.fanout_worker import Inserting
from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.delivery.timeline_cache import Timelines
from photomesh_feed.settings import ConsumerSettings, FanoutSettings
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.writer import FeedWrites
from photomesh_feed.writing.event_handlers import Folding
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher

__all__ = ["ConsumerDeps", "FanoutDeps", "open_consumer_deps", "open_fanout_deps"]


@dataclass(frozen=True)
class ConsumerDeps:
    folding: Folding
    publisher: KafkaPublisher


@dataclass(frozen=True)
class FanoutDeps:
    inserting: Inserting
    publisher: KafkaPublisher


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to Redis and Kafka; social-graph and post are asked over HTTP."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "feed-consumer"))
        session = await stack.enter_async_context(aiohttp.ClientSession())

        store = FeedWrites(redis)
        readiness.add("redis", store.ping)
        followers = HttpFollowers(session, settings.social_graph_url)
        timelines = Timelines(store, HttpPosts(session, "post", settings.post_url))
        tasks = Tasks(followers, publisher)
        popularity = Popularity(store, followers, tasks, timelines, clock, threshold=settings.celebrity_followers)
        yield ConsumerDeps(Folding(store, timelines, tasks, popularity, cdn_url=settings.cdn_url), publisher)


@asynccontextmanager
async def open_fanout_deps(settings: FanoutSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[FanoutDeps]:
    """Connects to Redis, and to Kafka for dead letters."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "feed-fanout"))
        store = FeedWrites(redis)
        readiness.add("redis", store.ping)
        yield FanoutDeps(Inserting(store, clock), publisher)
