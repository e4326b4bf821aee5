"""``python -m photomesh_story.consumer``: applies events of stories, their views, photos and follows; ends
stories whose time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import AccountErasureRequested
from photomesh_shared.http import Readiness
from photomesh_story.settings import ConsumerSettings
from photomesh_story.wiring import open_consumer_deps

__all__ = ["create_app"]

GROUP = "story"
_GATHER_MS = 100  # of views there are many


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        yield Subscription(
            group=GROUP,
            handlers={AccountErasureRequested: erasure.erasure_requested, **deps.handlers},
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("story-consumer", ConsumerSettings(), open_subscription)
