"""``python -m photomesh_notification.push_sender``: tells devices of what their accounts hear of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_notification.push.event_handlers import PushEventHandlers
from photomesh_notification.push.wiring import open_push_deps
from photomesh_notification.settings import PushSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import AccountErasureRequested, Event, NotificationRemoved, NotificationUpdated
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import Handler

__all__ = ["create_app", "handlers"]

GROUP = "notification-push"
_GATHER_MS = 500  # nothing is pushed within half a minute


def handlers(pushes: PushEventHandlers, erasure: ErasureHandler) -> Mapping[type[Event], Handler]:
    return {
        NotificationUpdated: pushes.updated,
        NotificationRemoved: pushes.removed,
        AccountErasureRequested: erasure.erasure_requested,
    }


@asynccontextmanager
async def open_subscription(settings: PushSettings, readiness: Readiness, clock: Clock) -> AsyncIterator[Subscription]:
    async with open_push_deps(settings, readiness, clock) as deps:
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        yield Subscription(
            group=GROUP,
            handlers=handlers(deps.handlers, erasure),
            publisher=deps.publisher,
            gather_ms=_GATHER_MS,
        )


def create_app(settings: PushSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("notification-push", PushSettings(), open_subscription)
