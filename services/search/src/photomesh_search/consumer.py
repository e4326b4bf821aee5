"""``python -m photomesh_search.consumer``: indexes accounts and posts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_search.consumer_wiring import ConsumerDeps, open_consumer_deps
from photomesh_search.metrics import AGE
from photomesh_search.settings import ConsumerSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import (
    AccountDeleted,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    PostDeleted,
    PostEdited,
    PostPublished,
)
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.handling import BatchHandler

__all__ = ["GROUP", "batch_handlers", "create_app"]

GROUP = "search"
_TOPICS = frozenset({"accounts", "posts", "follows"})
_BUFFER = 2_000
_GATHER_MS = 250  # the index refreshes once a second


def batch_handlers(to: ConsumerDeps, clock: Clock) -> Mapping[type[Event], BatchHandler]:
    accounts, posts = _timed(to.accounts.accounts_changed, clock), _timed(to.posts.posts_changed, clock)
    return {
        **dict.fromkeys((AccountRegistered, AccountUpdated, AccountDeleted), accounts),
        **dict.fromkeys((PostPublished, PostEdited, PostDeleted), posts),
        **dict.fromkeys((FollowCreated, FollowDeleted), _timed(to.follows.followers_changed, clock)),
    }


def _timed(handle: BatchHandler, clock: Clock) -> BatchHandler:
    async def handled(envelopes: Sequence[Envelope[Event]]) -> None:
        await handle(envelopes)
        AGE.set(max(0.0, (clock.now() - max(one.time for one in envelopes)).total_seconds()))

    return handled


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        await deps.indices.ensure()
        erasure = ErasureHandler(GROUP, deps.eraser.erase, deps.publisher, clock)
        yield Subscription(
            group=GROUP,
            handlers={AccountErasureRequested: erasure.erasure_requested},
            batch_handlers=batch_handlers(deps, clock),
            ordered=_TOPICS,
            buffer=_BUFFER,
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("search-consumer", ConsumerSettings(), open_subscription)
