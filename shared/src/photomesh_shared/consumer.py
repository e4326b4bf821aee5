"""Consumer programs: an entry point declares its subscription, the rest is the same for all.

@asynccontextmanager
async def open_subscription(settings: ConsumerSettings, readiness: Readiness, clock: Clock):
    async with open_consumer_deps(settings, readiness, clock) as deps:
        yield Subscription("post", {PhotoReady: deps.photos.photo_changed}, publisher=deps.publisher)

if __name__ == "__main__":
    run_consumer("post-consumer", ConsumerSettings(), open_subscription)
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from fastapi import FastAPI

from photomesh_shared import observability
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.events import Event
from photomesh_shared.http import Readiness, ops_app, run
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.handling import BatchHandler, Handler, OnExhausted
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.retry import RetryPolicy
from photomesh_shared.kafka.runner import ConsumerRunner, Flush
from photomesh_shared.settings import KafkaConsumerSettings

__all__ = ["OpenSubscription", "Subscription", "create_consumer_app", "run_consumer"]

log = logging.getLogger(__name__)

S = TypeVar("S", bound=KafkaConsumerSettings)


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What a consumer group does with which events; `ConsumerRunner` documents the fields."""

    group: str
    publisher: Publisher
    handlers: Mapping[type[Event], Handler] = field(default_factory=dict)
    batch_handlers: Mapping[type[Event], BatchHandler] = field(default_factory=dict)
    buffer: int = 64
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    on_exhausted: OnExhausted | None = None
    flush: Flush | None = None


OpenSubscription = Callable[[S, Readiness, Clock], AbstractAsyncContextManager[Subscription]]
"""Opens what the handlers need, and adds its checks to the readiness."""


def create_consumer_app(
    name: str, settings: S, open_subscription: OpenSubscription[S], clock: Clock | None = None
) -> FastAPI:
    """Returns the app of a consumer: health and metrics. Its lifespan opens the subscription and consumes; at the end
    it finishes the records in progress. No I/O happens before."""
    clock = clock or SystemClock()
    readiness = Readiness()
    runners: list[ConsumerRunner] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_subscription(settings, readiness, clock) as subscription:
            runner = ConsumerRunner(
                kafka_source(settings.kafka_bootstrap),
                group=subscription.group,
                handlers=subscription.handlers,
                batch_handlers=subscription.batch_handlers,
                publisher=subscription.publisher,
                buffer=subscription.buffer,
                retry=subscription.retry,
                on_exhausted=subscription.on_exhausted,
                flush=subscription.flush,
                drain_seconds=settings.shutdown_seconds,
                clock=clock,
            )
            runners.append(runner)
            readiness.add("kafka", runner.check)
            async with _consuming(runner):
                yield

    return ops_app(
        f"Photomesh {name}",
        settings,
        lifespan=lifespan,
        readiness=readiness,
        alive=lambda: all(runner.alive() for runner in runners),
    )


def run_consumer(name: str, settings: S, open_subscription: OpenSubscription[S]) -> None:
    """The main of a consumer program: consumes until SIGTERM. `name` is what logs and traces carry."""
    observability.configure(name, settings)
    run(create_consumer_app(name, settings, open_subscription), settings)


@asynccontextmanager
async def _consuming(runner: ConsumerRunner) -> AsyncIterator[None]:
    """Runs the runner for as long as the context lasts.

    If it ends before, in whichever way, the process ends too, for its supervisor to start another: a process that
    consumes nothing must not look like one that has nothing to do.
    """
    stop = asyncio.Event()

    def end_process(consuming: asyncio.Task[None]) -> None:
        if not stop.is_set():
            error = None if consuming.cancelled() else consuming.exception()
            log.critical("the consumer ended, and the process with it", exc_info=error)
            os.kill(os.getpid(), signal.SIGTERM)

    consuming = asyncio.create_task(runner.run(stop), name="consumer")
    consuming.add_done_callback(end_process)
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([consuming])
        if not consuming.cancelled():
            consuming.result()
