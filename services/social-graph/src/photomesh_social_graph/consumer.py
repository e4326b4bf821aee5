"""``python -m photomesh_social_graph.consumer``: copies accounts from their events, and erases those that left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import AccountErasureRequested, AccountRegistered, AccountUpdated, Event
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import Handler
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.settings import ConsumerSettings
from photomesh_social_graph.wiring import open_consumer_deps

__all__ = ["create_app", "handlers"]

GROUP = "social-graph"


def handlers(accounts: AccountEventHandlers, erasure: ErasureHandler) -> Mapping[type[Event], Handler]:
    return {
        AccountRegistered: accounts.account_changed,
        AccountUpdated: accounts.account_changed,
        AccountErasureRequested: erasure.erasure_requested,
    }


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        yield Subscription(group=GROUP, handlers=handlers(deps.handlers, erasure), publisher=deps.publisher)


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("social-graph-consumer", ConsumerSettings(), open_subscription)
