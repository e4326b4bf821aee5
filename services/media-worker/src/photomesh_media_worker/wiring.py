"""Composition root."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from photomesh_media_worker.budgets import DecoderBudgets
from photomesh_media_worker.event_handlers import LANES, handlers
from photomesh_media_worker.sandbox.pool import Limits, Sandbox
from photomesh_media_worker.service import MediaService
from photomesh_media_worker.settings import Settings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.kafka.runner import RetryPolicy
from photomesh_shared.object_keys import ORIGINALS_PREFIX
from photomesh_shared.stores.object_storage import open_storage

__all__ = ["open_subscription"]

_FETCHED_AHEAD = 2  # photos being fetched or stored while all decoders are busy


@asynccontextmanager
async def open_subscription(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Subscription]:
    """Starts the decoders, and connects to object storage and Kafka."""
    limits = Limits(
        memory_bytes=settings.decoder_memory_mb * 1024 * 1024,
        cpu_seconds=settings.decoder_cpu_seconds,
        wall_seconds=settings.decoder_wall_seconds,
    )
    lane = LANES[settings.lane]
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(processes=settings.decoders, limits=limits))
        storage = await stack.enter_async_context(open_storage(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, lane.group))
        service = MediaService(
            storage,
            sandbox,
            publisher,
            clock,
            variants_bucket=settings.variants_bucket,
            variant_key_secret=settings.variant_key_secret.get_secret_value(),
            max_concurrent=settings.decoders + _FETCHED_AHEAD,
            # Reprocessing is the operator's wish, not the account's.
            budgets=DecoderBudgets(settings.account_decoder_seconds, clock) if settings.lane == "uploads" else None,
        )
        readiness.add("storage", lambda: storage.ping(settings.raw_bucket, ORIGINALS_PREFIX))
        yield Subscription(
            group=lane.group,
            handlers=handlers(lane, service),
            publisher=publisher,
            retry=RetryPolicy(attempts=3),
            on_exhausted=service.give_up,
        )
