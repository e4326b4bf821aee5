"""The composition root of the process of streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_notification.settings import StreamSettings
from photomesh_notification.store.channel import RedisChannel
from photomesh_notification.store.connection import open_probe, open_redis
from photomesh_notification.store.streams import StreamLog, Tickets
from photomesh_notification.streams.hub import Hub
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.http import Readiness
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["StreamDeps", "open_stream_deps"]


@dataclass(frozen=True)
class StreamDeps:
    """What routes use."""

    hub: Hub
    tickets: Tickets
    clock: Clock
    token_verifier: TokenVerifier


@asynccontextmanager
async def open_stream_deps(settings: StreamSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[StreamDeps]:
    """Connects to Redis, and subscribes."""
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        probe = await stack.enter_async_context(open_probe(settings.feed_redis_url.get_secret_value()))
        client = await stack.enter_async_context(httpx.AsyncClient())
        readiness.add("redis", probe.check)
        channel = RedisChannel(settings.feed_redis_url.get_secret_value())
        hub = channel.subscriber = Hub(
            channel,
            StreamLog(redis, max_streams_per_account=settings.max_streams_per_account),
            clock,
            max_streams=settings.max_streams,
            event_seconds=settings.stream_event_seconds,
        )
        await stack.enter_async_context(in_background("subscription", channel.run, clock))
        await stack.enter_async_context(in_background("leases", hub.renew, clock))
        yield StreamDeps(
            hub=hub,
            tickets=Tickets(redis),
            clock=clock,
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )
