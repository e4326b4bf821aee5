"""``python -m photomesh_feed.fanout``: puts posts into the feeds of followers, task by task."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_feed.consumer_wiring import open_fanout_deps
from photomesh_feed.delivery.fanout_worker import FanoutWorker
from photomesh_feed.settings import FanoutSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import Event, FanoutRequested
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import Handler

__all__ = ["create_app", "handlers"]

GROUP = "feed-fanout"


def handlers(worker: FanoutWorker) -> Mapping[type[Event], Handler]:
    return {FanoutRequested: worker.execute}


@asynccontextmanager
async def open_subscription(
    settings: FanoutSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_fanout_deps(settings, readiness, clock) as deps:
        yield Subscription(group=GROUP, handlers=handlers(deps.worker), publisher=deps.publisher)


def create_app(settings: FanoutSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("feed-fanout", FanoutSettings(), open_subscription)
