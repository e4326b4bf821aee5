"""``python -m photomesh_feed.consumer``: what follows for feeds from posts, follows and what readers do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_feed.consumer_wiring import open_consumer_deps
from photomesh_feed.settings import ConsumerSettings
from photomesh_feed.writing.event_handlers import Folding
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import (
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
from photomesh_shared.kafka.runner import Handler

__all__ = ["create_app", "handlers"]

GROUP = "feed"


def handlers(folding: Folding) -> Mapping[type[Event], Handler]:
    """A post that failed was in no feed, and a block ends follows by events of their own."""
    return {
        PostPublished: folding.post_published,
        PostEdited: folding.post_edited,
        PostDeleted: folding.post_deleted,
        PostCounted: folding.post_counted,
        FollowCreated: folding.follow_created,
        FollowDeleted: folding.follow_deleted,
        MuteCreated: folding.mute_changed,
        MuteDeleted: folding.mute_changed,
        PostLiked: folding.like_changed,
        PostUnliked: folding.like_changed,
        CommentCreated: folding.comment_changed,
        CommentDeleted: folding.comment_changed,
        PostSaved: folding.save_changed,
        PostUnsaved: folding.save_changed,
        AccountRegistered: folding.account_changed,
        AccountUpdated: folding.account_changed,
    }


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        yield Subscription(group=GROUP, handlers=handlers(deps.folding), publisher=deps.publisher)


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> FastAPI:
    return create_consumer_app("feed-consumer", settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("feed-consumer", ConsumerSettings(), open_subscription)
