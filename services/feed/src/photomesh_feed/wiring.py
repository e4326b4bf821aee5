"""Everything that the HTTP process is made of, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import httpx

from photomesh_feed.clients.post import HttpGraph, HttpPosts
from photomesh_feed.ranking.ranker import WeightedRanker
from photomesh_feed.reading.chronological import Hydration, Reading
from photomesh_feed.reading.impressions import Impressions
from photomesh_feed.reading.ranked import RankedReading
from photomesh_feed.reading.rebuild import Rebuilds
from photomesh_feed.reading.timeline_merger import Timelines
from photomesh_feed.settings import Settings
from photomesh_feed.store.connection import open_redis
from photomesh_feed.store.filler import FeedFills
from photomesh_feed.store.reader import FeedReads
from photomesh_shared.auth import TokenVerifier, fetch_jwks
from photomesh_shared.clock import Clock
from photomesh_shared.cursors import CursorCodec
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import open_publisher

__all__ = ["Deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes use."""

    reading: Reading
    ranked: RankedReading
    impressions: Impressions
    cursors: CursorCodec
    token_verifier: TokenVerifier
    public_url: str


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Redis and Kafka."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "feed"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        session = await stack.enter_async_context(aiohttp.ClientSession())

        reads, fills = FeedReads(redis), FeedFills(redis)
        graph, posts = (
            HttpGraph(session, "social-graph", settings.social_graph_url),
            HttpPosts(session, "post", settings.post_url),
        )
        timelines = Timelines(reads, fills, posts)
        rebuilds = Rebuilds(fills, reads, graph, timelines, clock)
        stack.push_async_callback(rebuilds.close)
        hydration = Hydration(fills, posts, settings.cdn_url, clock)
        reading = Reading(reads, hydration, timelines, rebuilds)
        # Neither Kafka nor the other services: feeds that are in Redis are served without any of them.
        readiness.add("redis", reads.ping)
        yield Deps(
            reading=reading,
            ranked=RankedReading(reads, hydration, reading, WeightedRanker(), clock),
            impressions=Impressions(publisher, clock),
            cursors=CursorCodec(settings.cursor_secret.get_secret_value()),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            public_url=settings.public_url,
        )
