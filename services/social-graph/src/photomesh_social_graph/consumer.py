"""``python -m photomesh_social_graph.consumer``: what follows from the events of accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_shared import observability
from photomesh_shared.apps import create_consumer_app
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.events import AccountRegistered, AccountUpdated, Event
from photomesh_shared.http import Readiness, run
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.runner import ConsumerRunner, Handler
from photomesh_social_graph.admissions import Admissions
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.wiring import open_consumer_deps

__all__ = ["create_app", "handlers"]

GROUP = "social-graph"


def handlers(admissions: Admissions) -> Mapping[type[Event], Handler]:
    return {AccountRegistered: admissions.account_changed, AccountUpdated: admissions.account_changed}


def create_app(settings: ConsumerSettings | None = None, clock: Clock | None = None) -> FastAPI:
    """The consumer behind its health endpoints. No I/O happens here."""
    settings = settings or ConsumerSettings()

    @asynccontextmanager
    async def open_runner(readiness: Readiness) -> AsyncIterator[ConsumerRunner]:
        async with open_consumer_deps(settings, readiness, clock or SystemClock()) as deps:
            yield ConsumerRunner(
                kafka_source(settings.kafka_bootstrap),
                group=GROUP,
                handlers=handlers(deps.admissions),
                publisher=deps.publisher,
                drain_seconds=settings.shutdown_seconds,
                clock=clock,
            )

    return create_consumer_app("Photomesh social-graph consumer", settings, open_runner)


def main() -> None:
    settings = ConsumerSettings()
    observability.configure("social-graph-consumer", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
