"""The composition root of pushes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from photomesh_notification.clients import PostClient
from photomesh_notification.errors import SightingsUnavailable
from photomesh_notification.inbox.queries import InboxQueries
from photomesh_notification.inbox.store import CassandraInbox
from photomesh_notification.preferences.store import CassandraPreferences
from photomesh_notification.push.clients import IdentitySessions, WebPush
from photomesh_notification.push.domain import Windows
from photomesh_notification.push.erasure import PushEraser
from photomesh_notification.push.event_handlers import PushEventHandlers
from photomesh_notification.push.sending import PushSender
from photomesh_notification.push.sights import ListSights
from photomesh_notification.push.store import CassandraPushes, CassandraSchedule, CassandraSubscriptions
from photomesh_notification.push.vapid import VapidSigner, private_key_from
from photomesh_notification.push.wishes import AccountWishes
from photomesh_notification.push.worker import PushWorker
from photomesh_notification.settings import PushSettings
from photomesh_notification.store.connection import open_redis
from photomesh_notification.store.list_index import ListIndex
from photomesh_notification.store.presence import StreamPresence
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.outbound import OutboundPolicy, authorities, open_outbound
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.service_client import open_session as open_http_session
from photomesh_shared.stores.cassandra import open_session

__all__ = ["PushDeps", "open_push_deps"]


@dataclass(frozen=True)
class PushDeps:
    handlers: PushEventHandlers
    eraser: PushEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_push_deps(settings: PushSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[PushDeps]:
    """Connects to Cassandra, Redis and Kafka; pushes what is due in the background of the context."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "notification-push"))
        http = await stack.enter_async_context(open_http_session())
        outbound = await stack.enter_async_context(
            open_outbound(OutboundPolicy.of(settings), tls=authorities(settings))
        )
        readiness.add("cassandra", session.ping)  # without Redis, pushes go out

        schedule, pushes = CassandraSchedule(session), CassandraPushes(session)
        subscriptions = CassandraSubscriptions(session)
        identity = ServiceClient(http, "identity", settings.identity_url, caller=settings, clock=clock)
        post = ServiceClient(
            http, "post", settings.post_url, caller=settings, unavailable=SightingsUnavailable, clock=clock
        )
        stored, preferences = CassandraInbox(session), CassandraPreferences(session)
        inbox = InboxQueries(ListIndex(redis), stored, PostClient(post), clock)
        secret = settings.vapid_secret.get_secret_value()
        channel = WebPush(
            outbound,
            VapidSigner(private_key_from(secret), settings.contact, clock),
            clock,
            seconds=settings.push_request_seconds,
        )
        worker = PushWorker(
            schedule,
            pushes,
            subscriptions,
            IdentitySessions(identity),
            StreamPresence(redis),
            AccountWishes(preferences, stored),
            ListSights(inbox),
            PushSender(channel, subscriptions, pushes, schedule, clock),
            clock,
            app_url=settings.app_url or settings.public_url,
            topic_secret=secret.encode(),
            again_after=timedelta(seconds=settings.push_again_seconds),
        )
        await stack.enter_async_context(worker.running())
        windows = Windows(
            timedelta(seconds=settings.push_window_seconds),
            timedelta(seconds=settings.push_personal_window_seconds),
        )
        yield PushDeps(
            PushEventHandlers(subscriptions, pushes, schedule, clock, windows),
            PushEraser(subscriptions, pushes),
            publisher,
        )
