"""The composition root of the service's processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_notification.clients import PostClient
from photomesh_notification.collecting.event_handlers import Collector
from photomesh_notification.errors import SightingsUnavailable
from photomesh_notification.exports.queries import ExportQueries
from photomesh_notification.groups.store import CassandraGroups
from photomesh_notification.inbox.queries import InboxQueries
from photomesh_notification.inbox.service import SeenMarker
from photomesh_notification.inbox.store import CassandraInbox
from photomesh_notification.preferences.service import PreferenceService
from photomesh_notification.preferences.store import CassandraPreferences
from photomesh_notification.push.service import PushSubscriptionService
from photomesh_notification.push.store import CassandraSubscriptions
from photomesh_notification.push.vapid import private_key_from, public_key_text
from photomesh_notification.settings import CollectorSettings, Settings, WriterSettings
from photomesh_notification.store.connection import open_redis
from photomesh_notification.store.list_index import ListIndex
from photomesh_notification.store.live import Live
from photomesh_notification.writing.erasure import AccountEraser
from photomesh_notification.writing.event_handlers import Listener, Writer
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.outbound.guard import OutboundPolicy
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.service_client import open_session as open_http_session
from photomesh_shared.stores.cassandra import open_session
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["CollectorDeps", "Deps", "WriterDeps", "open_collector_deps", "open_deps", "open_writer_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes and middleware use."""

    inbox: InboxQueries
    seen: SeenMarker
    preferences: PreferenceService
    exports: ExportQueries
    push_subscriptions: PushSubscriptionService
    push_key: str
    cursors: CursorCodec
    token_verifier: TokenVerifier


@dataclass(frozen=True)
class CollectorDeps:
    collector: Collector
    publisher: KafkaPublisher


@dataclass(frozen=True)
class WriterDeps:
    writer: Writer
    eraser: AccountEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Cassandra and Redis."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        client = await stack.enter_async_context(httpx.AsyncClient())
        http = await stack.enter_async_context(open_http_session())
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        # Without Redis, lists are read from Cassandra.
        readiness.add("cassandra", session.ping)
        stored, preferences = CassandraInbox(session), CassandraPreferences(session)
        subscriptions = CassandraSubscriptions(session)
        post = PostClient(
            ServiceClient(
                http, "post", settings.post_url, caller=settings, unavailable=SightingsUnavailable, clock=clock
            )
        )
        yield Deps(
            inbox=InboxQueries(ListIndex(redis), stored, post, clock),
            seen=SeenMarker(stored, clock),
            preferences=PreferenceService(preferences, post),
            exports=ExportQueries(stored, preferences, subscriptions),
            push_subscriptions=PushSubscriptionService(subscriptions, OutboundPolicy(), clock),
            push_key=public_key_text(private_key_from(settings.vapid_secret.get_secret_value())),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )


@asynccontextmanager
async def open_collector_deps(
    settings: CollectorSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[CollectorDeps]:
    """Connects to Cassandra and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, "notification-collector"))
        readiness.add("cassandra", session.ping)
        yield CollectorDeps(Collector(CassandraGroups(session, clock), publisher, clock), publisher)


@asynccontextmanager
async def open_writer_deps(settings: WriterSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[WriterDeps]:
    """Connects to Cassandra, Redis and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, "notification-writer"))
        readiness.add("cassandra", session.ping)
        groups = CassandraGroups(session, clock)
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        index = ListIndex(redis)
        listeners: list[Listener] = [index, Live(redis)]
        records = (CassandraPreferences(session), index)
        yield WriterDeps(
            Writer(groups, publisher, listeners, clock), AccountEraser(groups, publisher, clock, records), publisher
        )
