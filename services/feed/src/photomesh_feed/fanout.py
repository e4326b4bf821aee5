"""``python -m photomesh_feed.fanout``: puts posts into the feeds of followers, a task at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_feed.consumer_wiring import open_fanout_deps
from photomesh_feed.inserting import Inserting
from photomesh_feed.settings import FanoutSettings
from photomesh_shared import observability
from photomesh_shared.apps import create_consumer_app
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.events import Event, FanoutRequested
from photomesh_shared.http import Readiness, run
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.runner import ConsumerRunner, Handler

__all__ = ["create_app", "handlers"]

GROUP = "feed-fanout"


def handlers(inserting: Inserting) -> Mapping[type[Event], Handler]:
    return {FanoutRequested: inserting.insert}


def create_app(settings: FanoutSettings | None = None, clock: Clock | None = None) -> FastAPI:
    """The consumer behind its health endpoints. No I/O happens here."""
    settings = settings or FanoutSettings()

    @asynccontextmanager
    async def open_runner(readiness: Readiness) -> AsyncIterator[ConsumerRunner]:
        async with open_fanout_deps(settings, readiness, clock or SystemClock()) as deps:
            yield ConsumerRunner(
                kafka_source(settings.kafka_bootstrap),
                group=GROUP,
                handlers=handlers(deps.inserting),
                publisher=deps.publisher,
                drain_seconds=settings.shutdown_seconds,
                clock=clock,
            )

    return create_consumer_app("Photomesh feed fan-out", settings, open_runner)


def main() -> None:
    settings = FanoutSettings()
    observability.configure("feed-fanout", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
