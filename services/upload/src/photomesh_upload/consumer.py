"""``python -m photomesh_upload.consumer``: erases uploads and originals of accounts that left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import AccountErasureRequested, Event
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.handling import Handler
from photomesh_upload.settings import ConsumerSettings
from photomesh_upload.wiring import open_consumer_deps

__all__ = ["create_app"]

GROUP = "upload"


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        handlers: dict[type[Event], Handler] = {AccountErasureRequested: deps.erasure.erasure_requested}
        yield Subscription(group=GROUP, handlers=handlers, publisher=deps.publisher)


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("upload-consumer", ConsumerSettings(), open_subscription)
