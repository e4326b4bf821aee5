"""Composition root of the HTTP process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx
from redis.asyncio import Redis

from photomesh_feed.clients.explore import ExploreClient
from photomesh_feed.clients.models import ModelPoller
from photomesh_feed.clients.post import PostClient
from photomesh_feed.clients.social_graph import SocialGraphClient
from photomesh_feed.clients.topics import TopicRecords
from photomesh_feed.domain.timelines import TimelineSource
from photomesh_feed.errors import SourceUnavailable
from photomesh_feed.ranking.learnt import LearntRanker
from photomesh_feed.ranking.ranker import Ranker, WeightedRanker
from photomesh_feed.reading.chronological import ChronologicalFeed
from photomesh_feed.reading.exports import ExportQueries
from photomesh_feed.reading.hydration import HydrationSource, Hydrator
from photomesh_feed.reading.impressions import ImpressionLog
from photomesh_feed.reading.pipeline import PagePipeline
from photomesh_feed.reading.ranked import RankedFeed
from photomesh_feed.reading.rebuild import FeedRebuilder, RelationsSource
from photomesh_feed.reading.served import NotRecorded, ServedLog, ServedRecorder
from photomesh_feed.reading.service import FeedService
from photomesh_feed.reading.suggestions import NoSuggestions, Suggestions, SuggestionSource
from photomesh_feed.reading.timeline_merger import TimelineMerger
from photomesh_feed.settings import Settings
from photomesh_feed.store.connection import open_probe, open_redis
from photomesh_feed.store.exports import RankingRecords
from photomesh_feed.store.filler import FeedFiller
from photomesh_feed.store.reader import FeedReader
from photomesh_feed.store.writer import FeedWriter
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.events import FeedServed, ImpressionsRecorded
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.stores.object_storage import open_storage
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["Deps", "open_deps", "open_feed_service"]


@dataclass(frozen=True)
class Deps:
    """What routes and middleware use."""

    feed: FeedService
    writer: FeedWriter
    impressions: ImpressionLog
    exports: ExportQueries
    cursors: CursorCodec
    token_verifier: TokenVerifier


class Post(HydrationSource, TimelineSource, Protocol):
    """What the read path calls of post."""


@asynccontextmanager
async def open_feed_service(
    redis: Redis,
    social_graph: RelationsSource,
    post: Post,
    *,
    cdn_url: str,
    clock: Clock,
    ranker: Ranker | None = None,
    served: ServedRecorder | None = None,
    explore: SuggestionSource | None = None,
    suggestion_seconds: float = 0.15,
) -> AsyncIterator[FeedService]:
    """Cancels rebuilds in progress at the end. By default ranks without a model, records nothing, and suggests
    nothing."""
    reader, filler = FeedReader(redis), FeedFiller(redis)
    merger = TimelineMerger(reader, filler, post)
    hydrator = Hydrator(filler, post, cdn_url, clock)
    pipeline = PagePipeline(reader, hydrator)
    rebuilder = FeedRebuilder(filler, reader, social_graph, merger, clock)
    chronological = ChronologicalFeed(pipeline, reader, merger, rebuilder)
    ranked = RankedFeed(
        reader,
        pipeline,
        hydrator,
        chronological,
        Suggestions(explore or NoSuggestions(), pipeline, seconds=suggestion_seconds),
        ranker or WeightedRanker(),
        served or NotRecorded(),
        clock,
    )
    try:
        yield FeedService(chronological, ranked)
    finally:
        await rebuilder.close()


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Redis and Kafka, and looks for models in object storage."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        probe = await stack.enter_async_context(open_probe(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "feed"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        session = await stack.enter_async_context(open_session())
        # Only Redis: feeds in it are served without Kafka and the other services.
        readiness.add("redis", probe.check)
        served = await stack.enter_async_context(ServedLog.open(publisher, clock))
        storage = await stack.enter_async_context(open_storage(settings))
        ranker = LearntRanker(WeightedRanker())
        poller = ModelPoller(storage, settings.raw_bucket, ranker, clock)
        await stack.enter_async_context(in_background("models of the ranking", poller.poll_forever, clock))
        feed = await stack.enter_async_context(
            open_feed_service(
                redis,
                SocialGraphClient(
                    ServiceClient(
                        session,
                        "social-graph",
                        settings.social_graph_url,
                        caller=settings,
                        unavailable=SourceUnavailable,
                    )
                ),
                PostClient(
                    ServiceClient(session, "post", settings.post_url, caller=settings, unavailable=SourceUnavailable)
                ),
                cdn_url=settings.cdn_url,
                clock=clock,
                ranker=ranker,
                served=served,
                explore=ExploreClient(
                    ServiceClient(
                        session,
                        "explore",
                        settings.explore_url,
                        caller=settings,
                        timeout=settings.suggestion_seconds,
                        attempts=1,
                        unavailable=SourceUnavailable,
                    )
                ),
                # After the client, whose circuit breaker counts what it gave up itself.
                suggestion_seconds=settings.suggestion_seconds + 0.05,
            )
        )
        writer = FeedWriter(redis)
        impressions, served_orders = TopicRecords(settings, ImpressionsRecorded), TopicRecords(settings, FeedServed)
        yield Deps(
            feed=feed,
            writer=writer,
            impressions=ImpressionLog(publisher, writer, clock),
            exports=ExportQueries(RankingRecords(redis), impressions, served_orders, clock),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )
