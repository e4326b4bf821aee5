"""``python -m photomesh_feed.consumer``: keeps feeds up to date with posts, follows, engagement and accounts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_feed.consumer_wiring import EventHandlers, open_consumer_deps
from photomesh_feed.settings import ConsumerSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.consumer.erasure import ErasureHandler, without_erased
from photomesh_shared.events import (
    AccountErasureRequested,
    AccountRegistered,
    AccountUpdated,
    CommentCreated,
    CommentDeleted,
    Event,
    FollowCreated,
    FollowDeleted,
    MuteCreated,
    MuteDeleted,
    PostCounted,
    PostDeleted,
    PostEdited,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import BatchHandler, Handler

__all__ = ["batch_handlers", "create_app", "handlers"]

GROUP = "feed"
_GATHER_MS = 100  # until a post is in feeds
_BUFFER = 500  # records per partition: likes of a popular post are applied some dozens at a time


def handlers(to: EventHandlers) -> Mapping[type[Event], Handler]:
    """The events that feed reads. A failed post is in no feed, and a block ends follows by events of their own."""
    posts: dict[type[Event], Handler] = {PostPublished: to.posts.post_published, PostEdited: to.posts.post_edited}
    return {
        **without_erased(posts, to.eraser.is_erased),
        PostDeleted: to.posts.post_deleted,
        PostCounted: to.posts.post_counted,
        FollowCreated: to.relations.follow_created,
        FollowDeleted: to.relations.follow_deleted,
        MuteCreated: to.relations.mute_changed,
        MuteDeleted: to.relations.mute_changed,
        AccountRegistered: to.accounts.account_changed,
        AccountUpdated: to.accounts.account_changed,
    }


def batch_handlers(to: EventHandlers) -> Mapping[type[Event], BatchHandler]:
    """The events of which many come at once: likes of a popular post."""
    kinds = (PostLiked, PostUnliked, CommentCreated, CommentDeleted, PostSaved, PostUnsaved)
    return dict.fromkeys(kinds, to.engagement.engagement_changed)


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        erasure = ErasureHandler(GROUP, deps.handlers.eraser.erase, deps.publisher, clock)
        yield Subscription(
            group=GROUP,
            handlers={**handlers(deps.handlers), AccountErasureRequested: erasure.erasure_requested},
            batch_handlers=batch_handlers(deps.handlers),
            buffer=_BUFFER,
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("feed-consumer", ConsumerSettings(), open_subscription)
