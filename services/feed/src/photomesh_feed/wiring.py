"""Composition root of the HTTP process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import httpx

from photomesh_feed.clients.post import PostClient
from photomesh_feed.clients.service import Service
from photomesh_feed.clients.social_graph import SocialGraphClient
from photomesh_feed.http.dependencies import Deps
from photomesh_feed.ranking.ranker import WeightedRanker
from photomesh_feed.reading.chronological import ChronologicalFeed
from photomesh_feed.reading.hydration import Hydrator
from photomesh_feed.reading.impressions import ImpressionLog
from photomesh_feed.reading.pipeline import PagePipeline
from photomesh_feed.reading.ranked import RankedFeed
from photomesh_feed.reading.rebuild import FeedRebuilder
from photomesh_feed.reading.service import FeedService
from photomesh_feed.reading.timeline_merger import TimelineMerger
from photomesh_feed.settings import Settings
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.filler import FeedFiller
from photomesh_feed.store.reader import FeedReader
from photomesh_shared.auth import TokenVerifier, fetch_jwks
from photomesh_shared.clock import Clock
from photomesh_shared.cursors import CursorCodec
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import open_publisher

__all__ = ["open_deps"]


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Redis and Kafka."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "feed"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        session = await stack.enter_async_context(aiohttp.ClientSession())

        reader, filler = FeedReader(redis), FeedFiller(redis)
        social_graph = SocialGraphClient(Service(session, "social-graph", settings.social_graph_url))
        post = PostClient(Service(session, "post", settings.post_url))
        merger = TimelineMerger(reader, filler, post)
        rebuilder = FeedRebuilder(filler, reader, social_graph, merger, clock)
        stack.push_async_callback(rebuilder.close)
        hydrator = Hydrator(filler, post, settings.cdn_url, clock)
        pipeline = PagePipeline(reader, hydrator)
        chronological = ChronologicalFeed(pipeline, reader, merger, rebuilder)
        ranked = RankedFeed(reader, pipeline, hydrator, chronological, WeightedRanker(), clock)
        # Only Redis: feeds in it are served without Kafka and the other services.
        readiness.add("redis", reader.ping)
        yield Deps(
            feed=FeedService(chronological, ranked),
            impressions=ImpressionLog(publisher, clock),
            cursors=CursorCodec(settings.cursor_secret.get_secret_value()),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            public_url=settings.public_url,
        )
