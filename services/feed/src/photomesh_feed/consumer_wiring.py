"""Composition root of the two consumers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from photomesh_feed.clients.post import PostClient
from photomesh_feed.clients.social_graph import SocialGraphClient
from photomesh_feed.delivery.fanout_planner import FanoutPlanner, FollowerPages
from photomesh_feed.delivery.fanout_worker import FanoutWorker
from photomesh_feed.delivery.popularity import FollowerCounts, Popularity
from photomesh_feed.delivery.post_fanout import DeferredFanouts, PostFanout
from photomesh_feed.delivery.timeline_cache import TimelineCache
from photomesh_feed.domain.timelines import TimelineSource
from photomesh_feed.event_handlers.accounts import AccountEventHandlers
from photomesh_feed.event_handlers.copies import AccountCopies, RelationCopies
from photomesh_feed.event_handlers.engagement import EngagementEventHandlers
from photomesh_feed.event_handlers.erasure import AccountEraser
from photomesh_feed.event_handlers.posts import PostEventHandlers, PublishedPosts
from photomesh_feed.event_handlers.relations import RelationEventHandlers
from photomesh_feed.settings import ConsumerSettings, FanoutSettings
from photomesh_feed.store.connection import open_probe, open_redis
from photomesh_feed.store.copies import FeedCopies, RedisCopyProgress
from photomesh_feed.store.deferred import RedisDeferredFanouts
from photomesh_feed.store.eraser import FeedEraser
from photomesh_feed.store.filler import FeedFiller
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.copies import CopyReconciliation
from photomesh_shared.consumer.owners import OwnedAccounts, OwnedPairs
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, Publisher, open_publisher
from photomesh_shared.service_client import ServiceClient, open_session

__all__ = [
    "ConsumerDeps",
    "EventHandlers",
    "FanoutDeps",
    "build_event_handlers",
    "open_consumer_deps",
    "open_fanout_deps",
]


@dataclass(frozen=True)
class EventHandlers:
    posts: PostEventHandlers
    relations: RelationEventHandlers
    engagement: EngagementEventHandlers
    accounts: AccountEventHandlers
    eraser: AccountEraser
    fanout: PostFanout


@dataclass(frozen=True)
class ConsumerDeps:
    handlers: EventHandlers
    publisher: KafkaPublisher


@dataclass(frozen=True)
class FanoutDeps:
    worker: FanoutWorker
    publisher: KafkaPublisher


class SocialGraph(FollowerPages, FollowerCounts, Protocol):
    """What the consumer calls of social-graph."""


class PostSource(TimelineSource, PublishedPosts, Protocol):
    """What the consumer calls of post."""


def build_event_handlers(
    store: FeedWriter,
    filler: FeedFiller,
    eraser: FeedEraser,
    deferred: DeferredFanouts,
    social_graph: SocialGraph,
    post: PostSource,
    publisher: Publisher,
    clock: Clock,
    *,
    celebrity_followers: int,
    cdn_url: str,
) -> EventHandlers:
    timelines = TimelineCache(store, post)
    planner = FanoutPlanner(social_graph, publisher)
    popularity = Popularity(store, social_graph, planner, timelines, clock, threshold=celebrity_followers)
    fanout = PostFanout(deferred, popularity, planner, clock)
    return EventHandlers(
        posts=PostEventHandlers(store, filler, post, timelines, fanout, clock, cdn_url=cdn_url),
        relations=RelationEventHandlers(store, timelines, popularity),
        engagement=EngagementEventHandlers(store),
        accounts=AccountEventHandlers(store, clock),
        eraser=AccountEraser(store, eraser, clock),
        fanout=fanout,
    )


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to Redis and Kafka, and starts the comparison of copies."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        probe = await stack.enter_async_context(open_probe(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "feed-consumer"))
        session = await stack.enter_async_context(open_session())
        store, filler = FeedWriter(redis), FeedFiller(redis)
        readiness.add("redis", probe.check)
        social_graph = ServiceClient(session, "social-graph", settings.social_graph_url, caller=settings, timeout=10)
        handlers = build_event_handlers(
            store,
            filler,
            FeedEraser(redis),
            RedisDeferredFanouts(redis),
            SocialGraphClient(social_graph),
            PostClient(ServiceClient(session, "post", settings.post_url, caller=settings)),
            publisher,
            clock,
            celebrity_followers=settings.celebrity_followers,
            cdn_url=settings.cdn_url,
        )
        identity = ServiceClient(session, "identity", settings.identity_url, caller=settings)
        copies, progress, seconds = FeedCopies(redis), RedisCopyProgress(redis), settings.copy_pass_seconds
        of_accounts = CopyReconciliation(
            "accounts", OwnedAccounts(identity), AccountCopies(copies), progress, clock, pass_seconds=seconds
        )
        of_relations = CopyReconciliation(
            "relations",
            OwnedPairs(social_graph),
            RelationCopies(copies, filler, handlers.relations),
            progress,
            clock,
            pass_seconds=seconds,
        )
        await stack.enter_async_context(in_background("copies-of-accounts", of_accounts.run))
        await stack.enter_async_context(in_background("copies-of-relations", of_relations.run))
        await stack.enter_async_context(in_background("deferred-fanouts", handlers.fanout.run))
        yield ConsumerDeps(handlers, publisher)


@asynccontextmanager
async def open_fanout_deps(settings: FanoutSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[FanoutDeps]:
    """Connects to Redis, and to Kafka for dead letters."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        probe = await stack.enter_async_context(open_probe(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "feed-fanout"))
        store = FeedWriter(redis)
        readiness.add("redis", probe.check)
        yield FanoutDeps(FanoutWorker(store, clock), publisher)
