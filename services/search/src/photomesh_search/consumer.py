"""``python -m photomesh_search.consumer``: indexes accounts and posts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_search.consumer_wiring import ConsumerDeps, open_consumer_deps
from photomesh_search.settings import ConsumerSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler
from photomesh_shared.events import (
    AccountDeleted,
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
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


def batch_handlers(to: ConsumerDeps) -> Mapping[type[Event], BatchHandler]:
    return {
        **dict.fromkeys((AccountRegistered, AccountUpdated, AccountDeleted), to.accounts.accounts_changed),
        **dict.fromkeys((PostPublished, PostEdited, PostDeleted), to.posts.posts_changed),
        **dict.fromkeys((FollowCreated, FollowDeleted), to.follows.followers_changed),
    }


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
            batch_handlers=batch_handlers(deps),
            ordered=_TOPICS,
            buffer=_BUFFER,
            publisher=deps.publisher,
        )


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("search-consumer", ConsumerSettings(), open_subscription)
