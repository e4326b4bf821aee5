"""Composition root of the consumer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from photomesh_identity.credentials.tokens import KeyedHash
from photomesh_identity.leaving.erasure_store import PostgresErasures
from photomesh_identity.leaving.event_handlers import AcknowledgementHandlers, IdentityEraser
from photomesh_identity.settings import ConsumerSettings, Settings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.stores.postgres import open_pool, open_probe

__all__ = ["ConsumerDeps", "open_consumer_deps", "open_eraser"]


@dataclass(frozen=True)
class ConsumerDeps:
    erasure: ErasureHandler
    acknowledgements: AcknowledgementHandlers
    publisher: KafkaPublisher


@asynccontextmanager
async def open_eraser(
    settings: ConsumerSettings | Settings, clock: Clock
) -> AsyncIterator[tuple[IdentityEraser, PostgresErasures]]:
    """Connects to PostgreSQL."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(settings.postgres_dsn.get_secret_value(), size=settings.postgres_pool)
        )
        store = PostgresErasures(pool, KeyedHash(settings.hash_secret.accepted))
        yield IdentityEraser(store, clock), store


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock, *, group: str
) -> AsyncIterator[ConsumerDeps]:
    """Connects to PostgreSQL and Kafka. The relay of the HTTP process publishes what is in the
    outbox."""
    async with AsyncExitStack() as stack:
        eraser, store = await stack.enter_async_context(open_eraser(settings, clock))
        publisher = await stack.enter_async_context(open_publisher(settings, "identity-consumer"))
        readiness.add("postgres", stack.enter_context(open_probe(settings.postgres_dsn.get_secret_value())).check)
        yield ConsumerDeps(
            ErasureHandler(group, eraser.erase, publisher, clock), AcknowledgementHandlers(store), publisher
        )
