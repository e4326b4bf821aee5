"""Composition root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from redis.asyncio import Redis

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.http.idempotency import IdempotencyStore
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.stores.idempotency_keys import PostgresKeys
from photomesh_shared.stores.object_storage import open_storage
from photomesh_shared.stores.outbox import OutboxRelay
from photomesh_shared.stores.postgres import open_pool, open_probe
from photomesh_shared.stores.record_pages import PostgresRecords
from photomesh_shared.stores.worker_lease import lease_ids
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks
from photomesh_upload import exports
from photomesh_upload.domain import Quotas
from photomesh_upload.erasures.eraser import AccountEraser
from photomesh_upload.erasures.store import PostgresErasures
from photomesh_upload.objects import RawBucket
from photomesh_upload.service import Policy, UploadService
from photomesh_upload.settings import ConsumerSettings, Settings
from photomesh_upload.store import PostgresUploads
from photomesh_upload.sweeper import Sweeper

__all__ = ["ConsumerDeps", "Deps", "open_consumer_deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes use."""

    uploads: UploadService
    records: PostgresRecords
    cursors: CursorCodec
    token_verifier: TokenVerifier
    idempotency: IdempotencyStore
    region: str


@dataclass(frozen=True)
class ConsumerDeps:
    erasure: ErasureHandler
    publisher: KafkaPublisher


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to PostgreSQL, object storage and Kafka."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        storage = await stack.enter_async_context(open_storage(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, "upload-consumer"))
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)
        eraser = AccountEraser(PostgresErasures(pool), RawBucket(storage, settings.raw_bucket), clock)
        yield ConsumerDeps(ErasureHandler("upload", eraser.erase, publisher, clock), publisher)


def _policy_of(settings: Settings) -> Policy:
    return Policy(
        region=settings.region,
        region_number=settings.region_number,
        regions={region.number: (name, region.url) for name, region in settings.regions.items()},
        upload_lifetime=timedelta(seconds=settings.upload_seconds),
        url_lifetime=timedelta(seconds=settings.url_seconds),
        quotas=Quotas(settings.max_open_uploads, settings.max_uploads_per_day, settings.max_bytes_per_day),
    )


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to PostgreSQL, Redis, object storage and Kafka, and starts the outbox relay and the sweeper."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.get_secret_value()))
        storage = await stack.enter_async_context(open_storage(settings))
        client = await stack.enter_async_context(httpx.AsyncClient())
        publisher = await stack.enter_async_context(open_publisher(settings, "upload"))
        id_source = await stack.enter_async_context(lease_ids(redis, settings.region_number, clock))

        store, objects = PostgresUploads(pool), RawBucket(storage, settings.raw_bucket)
        # Only what no request can do without: without Kafka events wait in the outbox; Redis is needed for new uploads
        # only; without object storage, uploads are listed and aborted, and other requests get their own problem.
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)

        sweeper = Sweeper(
            store,
            objects,
            clock,
            interval_seconds=settings.sweep_seconds,
            retention=timedelta(days=settings.keep_days),
            keep_unusable=timedelta(days=settings.keep_unusable_days),
            keep_unused=timedelta(days=settings.keep_unused_days),
        )
        await stack.enter_async_context(in_background("outbox-relay", OutboxRelay(pool, publisher, clock).run))
        await stack.enter_async_context(in_background("sweeper", sweeper.run))
        yield Deps(
            uploads=UploadService(store, objects, id_source, _policy_of(settings), clock),
            records=PostgresRecords(pool, exports.RECORDS),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            idempotency=IdempotencyStore(redis, PostgresKeys(pool), settings.idempotency_secret.accepted[0], id_source),
            region=settings.region,
        )
