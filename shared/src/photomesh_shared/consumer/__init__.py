"""Frame of consumer programs: an entry point only declares its subscription.

@asynccontextmanager
async def open_subscription(settings: ConsumerSettings, readiness: Readiness, clock: Clock):
    async with open_consumer_deps(settings, readiness, clock) as deps:
        yield Subscription("post", {PhotoReady: deps.photos.photo_changed}, publisher=deps.publisher)

if __name__ == "__main__":
    run_consumer("post-consumer", ConsumerSettings(), open_subscription)
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.applications import Starlette

from photomesh_shared import dead_letters, observability
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.events import Event
from photomesh_shared.http import Readiness, ops_app, run
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.handling import BatchHandler, Handler, Handling, OnExhausted
from photomesh_shared.kafka.publisher import Publisher
from photomesh_shared.kafka.retry import RetryPolicy
from photomesh_shared.kafka.runner import ConsumerRunner, Flush
from photomesh_shared.settings import KafkaConsumerSettings

__all__ = ["OpenSubscription", "Subscription", "create_consumer_app", "replay_dead_letters", "run_consumer"]

log = logging.getLogger(__name__)

S = TypeVar("S", bound=KafkaConsumerSettings)


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """A consumer group and its event handlers; `ConsumerRunner` documents the fields."""

    group: str
    publisher: Publisher
    handlers: Mapping[type[Event], Handler] = field(default_factory=dict)
    batch_handlers: Mapping[type[Event], BatchHandler] = field(default_factory=dict)
    buffer: int = 64
    batch: int = 500
    ordered: Collection[str] = ()
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    on_exhausted: OnExhausted | None = None
    flush: Flush | None = None
    gather_ms: int = 0
    """Milliseconds in which records may gather before they are read: see `kafka_source`."""


OpenSubscription = Callable[[S, Readiness, Clock], AbstractAsyncContextManager[Subscription]]
"""Opens the handlers' dependencies, and adds their readiness checks."""


def create_consumer_app(settings: S, open_subscription: OpenSubscription[S], clock: Clock | None = None) -> Starlette:
    """Create the app of a consumer: health and metrics. Its lifespan opens the subscription and consumes; on exit it
    finishes the records in progress. No I/O happens before."""
    clock = clock or SystemClock()
    readiness = Readiness()
    runners: list[ConsumerRunner] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with open_subscription(settings, readiness, clock) as subscription:
            runner = ConsumerRunner(
                kafka_source(settings, gather_ms=subscription.gather_ms),
                group=subscription.group,
                handlers=subscription.handlers,
                batch_handlers=subscription.batch_handlers,
                publisher=subscription.publisher,
                buffer=subscription.buffer,
                batch=subscription.batch,
                ordered=subscription.ordered,
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
        lifespan=lifespan,
        readiness=readiness,
        alive=lambda: all(runner.alive() for runner in runners),
    )


def run_consumer(name: str, settings: S, open_subscription: OpenSubscription[S]) -> None:
    """Run a consumer program until SIGTERM, or, with `--replay <topic>`, until the dead letters of its group are
    handled. `name` appears in logs and traces."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replay", metavar="TOPIC", help="handle the group's dead letters of this topic, then exit")
    topic = parser.parse_args().replay
    observability.configure(name, settings)
    if topic:
        print(f"handled {asyncio.run(replay_dead_letters(topic, settings, open_subscription))} dead letters")
    else:
        run(create_consumer_app(settings, open_subscription), settings)


async def replay_dead_letters(
    topic: str, settings: S, open_subscription: OpenSubscription[S], clock: Clock | None = None
) -> int:
    """Handle the group's dead letters of a topic, beside its running consumers. Returns how many.

    Raises Unavailable.
    """
    clock = clock or SystemClock()
    async with open_subscription(settings, Readiness(), clock) as subscription:
        handling = Handling(
            subscription.group,
            subscription.handlers,
            subscription.publisher,
            batch_handlers=subscription.batch_handlers,
            retry=subscription.retry,
            on_exhausted=subscription.on_exhausted,
            clock=clock,
            randomness=random.Random(),  # noqa: S311 - jitter, no secret
        )
        return await dead_letters.replay(settings, topic, subscription.group, handling, subscription.flush)


@asynccontextmanager
async def _consuming(runner: ConsumerRunner) -> AsyncIterator[None]:
    """Run the runner in the background of the context.

    If it ends early, for any reason, the process ends too, so that its supervisor restarts it: a process that has
    stopped consuming must not look idle.
    """
    stop = asyncio.Event()

    def end_process(consuming: asyncio.Task[None]) -> None:
        if not stop.is_set():
            error = None if consuming.cancelled() else consuming.exception()
            log.critical("consumer ended unexpectedly, ending the process", exc_info=error)
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
