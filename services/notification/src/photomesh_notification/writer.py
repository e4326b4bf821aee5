"""``python -m photomesh_notification.writer``: writes the groups of each recipient, and publishes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_notification.settings import WriterSettings
from photomesh_notification.wiring import open_writer_deps
from photomesh_notification.writing.event_handlers import Writer
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import (
    AccountErasureRequested,
    Event,
    NotificationActorEnded,
    NotificationCollected,
    NotificationRelationChanged,
    NotificationSubjectEnded,
)
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import Handler

__all__ = ["create_app", "handlers"]

GROUP = "notification-writer"
_GATHER_MS = 50  # until a stream has it; what is written at the same time shares statements


def handlers(writer: Writer, erasure: ErasureHandler) -> Mapping[type[Event], Handler]:
    return {
        NotificationCollected: writer.collected,
        NotificationRelationChanged: writer.relation_changed,
        NotificationSubjectEnded: writer.subject_ended,
        NotificationActorEnded: writer.actor_ended,
        AccountErasureRequested: erasure.erasure_requested,
    }


@asynccontextmanager
async def open_subscription(
    settings: WriterSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_writer_deps(settings, readiness, clock) as deps:
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        yield Subscription(
            group=GROUP,
            handlers=handlers(deps.writer, erasure),
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: WriterSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("notification-writer", WriterSettings(), open_subscription)
