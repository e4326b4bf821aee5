"""``python -m photomesh_webhook.sender``: gives events to the endpoints that want them, and sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import AccountErasureRequested, AccountRegistered, AccountUpdated, Envelope, Event
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.handling import BatchHandler
from photomesh_webhook.accounts.event_handlers import AccountEventHandlers
from photomesh_webhook.endpoints.event_types import OFFERED
from photomesh_webhook.matching.event_handlers import MatchingEventHandlers
from photomesh_webhook.sender_wiring import open_sender_deps
from photomesh_webhook.settings import SenderSettings

__all__ = ["GROUP", "TOPICS", "batch_handlers", "create_app"]

GROUP = "webhook"
TOPICS = frozenset(kind.topic for types in OFFERED.values() for kind in types.values())
"""Of all that can be asked for."""
_GATHER_MS = 250  # until an endpoint is called
_BUFFER = 2_000


def batch_handlers(
    accounts: AccountEventHandlers, matching: MatchingEventHandlers
) -> Mapping[type[Event], BatchHandler]:
    async def account_changed(envelopes: Sequence[Envelope[AccountRegistered | AccountUpdated]]) -> None:
        for envelope in envelopes:
            await accounts.account_changed(envelope)
        await matching.happened(envelopes)

    offered: dict[type[Event], BatchHandler] = {
        kind: matching.happened for types in OFFERED.values() for kind in types.values()
    }
    return offered | dict.fromkeys((AccountRegistered, AccountUpdated), account_changed)


@asynccontextmanager
async def open_subscription(
    settings: SenderSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_sender_deps(settings, readiness, clock) as deps:
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        yield Subscription(
            group=GROUP,
            handlers={AccountErasureRequested: erasure.erasure_requested},
            batch_handlers=batch_handlers(deps.accounts, deps.matching),
            ordered=TOPICS,
            buffer=_BUFFER,
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: SenderSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("webhook-sender", SenderSettings(), open_subscription)
