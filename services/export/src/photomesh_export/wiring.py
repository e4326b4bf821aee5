"""Composition root of the two processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from photomesh_export.clients import NoticeClient, OwnerClient, SectionClient
from photomesh_export.documents.archive import Archive
from photomesh_export.errors import SourceUnavailable
from photomesh_export.event_handlers import ExportEraser
from photomesh_export.objects import ExportsBucket, RawBucket
from photomesh_export.running.collecting import Collector
from photomesh_export.running.notices import NoticeSender
from photomesh_export.running.packing import Packer
from photomesh_export.running.worker import Limits, Worker
from photomesh_export.service import ExportService
from photomesh_export.settings import Settings, WorkerSettings
from photomesh_export.store.accounts import AccountExports
from photomesh_export.store.notices import ExportNotices
from photomesh_export.store.runs import ExportRuns
from photomesh_export.store.upkeep import ExportUpkeep
from photomesh_export.sweeper import Sweeper
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.service_client import ServiceClient, open_session
from photomesh_shared.stores.object_storage import open_storage
from photomesh_shared.stores.postgres import open_pool, open_probe
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = ["Deps", "WorkerDeps", "open_deps", "open_worker_deps"]

_CONFIRM_SECONDS = 10.0  # a password is hashed, perhaps after others
_PAGE_SECONDS = 30.0
"""Of a page of records: searching a topic takes seconds, and nobody waits."""


@dataclass(frozen=True)
class Deps:
    """What routes use."""

    exports: ExportService
    token_verifier: TokenVerifier


@dataclass(frozen=True)
class WorkerDeps:
    worker: Worker
    notices: NoticeSender
    sweeper: Sweeper
    eraser: ExportEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to PostgreSQL. Object storage is not asked: links are signed here."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        storage = await stack.enter_async_context(open_storage(settings))
        client = await stack.enter_async_context(httpx.AsyncClient())
        session = await stack.enter_async_context(open_session())
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)
        yield Deps(
            exports=ExportService(
                AccountExports(pool),
                OwnerClient(
                    # Once: a repeated code is a wrong one.
                    ServiceClient(
                        session,
                        "identity",
                        settings.identity_url,
                        caller=settings,
                        timeout=_CONFIRM_SECONDS,
                        attempts=1,
                        clock=clock,
                    )
                ),
                ExportsBucket(storage, settings.exports_bucket),
                clock,
                link_lifetime=timedelta(seconds=settings.link_seconds),
                pause=timedelta(seconds=settings.pause_seconds),
                max_starts=settings.max_starts,
            ),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
        )


@asynccontextmanager
async def open_worker_deps(settings: WorkerSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[WorkerDeps]:
    """Connects to PostgreSQL, object storage and Kafka."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        storage = await stack.enter_async_context(open_storage(settings))
        session = await stack.enter_async_context(open_session())
        publisher = await stack.enter_async_context(open_publisher(settings, "export-worker"))
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)

        urls = {
            "identity": settings.identity_url,
            "upload": settings.upload_url,
            "post": settings.post_url,
            "social-graph": settings.social_graph_url,
            "feed": settings.feed_url,
            "notification": settings.notification_url,
            "webhook": settings.webhook_url,
            "story": settings.story_url,
            "explore": settings.explore_url,
        }
        services = {
            name: ServiceClient(
                session,
                name,
                url,
                caller=settings,
                timeout=_PAGE_SECONDS,
                unavailable=SourceUnavailable,
                clock=clock,
            )
            for name, url in urls.items()
        }
        sections = SectionClient(services)
        runs, upkeep = ExportRuns(pool), ExportUpkeep(pool)
        objects = ExportsBucket(storage, settings.exports_bucket, part_bytes=settings.upload_bytes)
        originals = RawBucket(storage, settings.raw_bucket)
        archive = Archive(runs, objects, public_url=settings.public_url)
        limits = Limits(
            lease_seconds=settings.lease_seconds,
            poll_seconds=settings.poll_seconds,
            retry_seconds=settings.retry_seconds,
            max_attempts=settings.max_attempts,
            part_bytes=settings.part_bytes,
            keep_days=settings.keep_days,
        )
        yield WorkerDeps(
            worker=Worker(
                runs,
                Collector(runs, sections, objects, chunk_bytes=settings.chunk_bytes),
                Packer(runs, objects, originals, archive, clock),
                objects,
                limits,
                clock,
            ),
            notices=NoticeSender(
                ExportNotices(pool), NoticeClient(services["identity"]), clock, poll_seconds=settings.poll_seconds
            ),
            sweeper=Sweeper(
                upkeep,
                objects,
                clock,
                interval_seconds=settings.sweep_seconds,
                history=timedelta(days=settings.history_days),
            ),
            eraser=ExportEraser(upkeep, objects, clock, lease_seconds=settings.lease_seconds),
            publisher=publisher,
        )
