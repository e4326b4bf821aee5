"""Composition root of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
from redis.asyncio import Redis

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.http.idempotency import IdempotencyStore
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.outbound.guard import OutboundPolicy
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.stores.idempotency_keys import PostgresKeys
from photomesh_shared.stores.outbox import OutboxRelay
from photomesh_shared.stores.postgres import open_pool, open_probe
from photomesh_shared.stores.record_pages import PostgresRecords
from photomesh_shared.stores.worker_lease import lease_ids
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks
from photomesh_webhook import exports
from photomesh_webhook.deliveries.service import DeliveryService
from photomesh_webhook.deliveries.store import PostgresDeliveries
from photomesh_webhook.deliveries.topics import EventTopics
from photomesh_webhook.endpoints.clients import IdentityAuditLog
from photomesh_webhook.endpoints.secrets import SecretBox
from photomesh_webhook.endpoints.service import EndpointService
from photomesh_webhook.endpoints.store import PostgresEndpoints
from photomesh_webhook.settings import Settings

__all__ = ["Deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes use."""

    endpoints: EndpointService
    deliveries: DeliveryService
    records: PostgresRecords
    cursors: CursorCodec
    token_verifier: TokenVerifier
    idempotency: IdempotencyStore


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to PostgreSQL, Redis and Kafka, and starts the outbox relay."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.get_secret_value()))
        client = await stack.enter_async_context(httpx.AsyncClient())
        publisher = await stack.enter_async_context(open_publisher(settings, "webhook"))
        id_source = await stack.enter_async_context(lease_ids(redis, settings.region_number, clock))
        # Without Kafka events wait in the outbox; Redis is needed for new endpoints only.
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)
        await stack.enter_async_context(in_background("outbox-relay", OutboxRelay(pool, publisher, clock).run))
        http = await stack.enter_async_context(open_session())
        identity = ServiceClient(http, "identity", settings.identity_url, caller=settings, clock=clock)
        yield Deps(
            endpoints=EndpointService(
                PostgresEndpoints(pool),
                IdentityAuditLog(identity),
                SecretBox(*settings.key_encryption_secret.accepted),
                OutboundPolicy(),
                clock,
                max_endpoints=settings.max_endpoints,
            ),
            deliveries=DeliveryService(PostgresDeliveries(pool), EventTopics(settings, clock), clock),
            records=PostgresRecords(pool, exports.RECORDS),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            idempotency=IdempotencyStore(redis, PostgresKeys(pool), settings.idempotency_secret.accepted[0], id_source),
        )
