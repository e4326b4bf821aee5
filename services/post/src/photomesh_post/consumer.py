"""``python -m photomesh_post.consumer``: what follows from the events of photos, posts, accounts and follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_post.posts.event_handlers import Folding
from photomesh_post.settings import ConsumerSettings
from photomesh_post.wiring import open_consumer_deps
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import (
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    Event,
    FollowCreated,
    FollowDeleted,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PhotoUploaded,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostPublished,
)
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import Handler

__all__ = ["create_app", "handlers"]

GROUP = "post"


def handlers(folding: Folding) -> Mapping[type[Event], Handler]:
    return {
        AccountRegistered: folding.account_changed,
        AccountUpdated: folding.account_changed,
        FollowCreated: folding.relation_changed,
        FollowDeleted: folding.relation_changed,
        BlockCreated: folding.relation_changed,
        BlockDeleted: folding.relation_changed,
        PhotoUploaded: folding.photo_changed,
        PhotoReady: folding.photo_changed,
        PhotoRejected: folding.photo_changed,
        PhotoFailed: folding.photo_changed,
        PostCreated: folding.post_created,
        PostPublished: folding.post_changed,
        PostFailed: folding.post_changed,
        PostEdited: folding.post_changed,
        PostDeleted: folding.post_deleted,
    }


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        yield Subscription(group=GROUP, handlers=handlers(deps.folding), publisher=deps.publisher)


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> FastAPI:
    return create_consumer_app("post-consumer", settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("post-consumer", ConsumerSettings(), open_subscription)
