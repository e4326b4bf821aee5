"""``python -m photomesh_identity.consumer``: erases accounts that left, and collects what other groups erased."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_identity.consumer_wiring import ConsumerDeps, open_consumer_deps
from photomesh_identity.settings import ConsumerSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import AccountErasureRequested, ErasureAcknowledged, Event
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import Handler

__all__ = ["create_app", "handlers"]

GROUP = "identity"


def handlers(deps: ConsumerDeps) -> Mapping[type[Event], Handler]:
    return {
        AccountErasureRequested: deps.erasure.erasure_requested,
        ErasureAcknowledged: deps.acknowledgements.acknowledged,
    }


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock, group=GROUP) as deps:
        yield Subscription(group=GROUP, handlers=handlers(deps), publisher=deps.publisher)


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("identity-consumer", ConsumerSettings(), open_subscription)
