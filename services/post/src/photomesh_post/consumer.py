"""``python -m photomesh_post.consumer``: applies the events of photos, posts, accounts and follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_post.accounts.event_handlers import AccountEventHandlers
from photomesh_post.consumer_wiring import open_consumer_deps
from photomesh_post.endings.accounts import AccountErasure
from photomesh_post.endings.late_posts import LatePosts
from photomesh_post.photos.event_handlers import PhotoEventHandlers
from photomesh_post.posts.event_handlers import PostEventHandlers
from photomesh_post.settings import ConsumerSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import (
    AccountErasureRequested,
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
    PhotoRetentionElapsed,
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
_GATHER_MS = 50  # until a follower sees a private account


def handlers(
    accounts: AccountEventHandlers,
    photos: PhotoEventHandlers,
    posts: PostEventHandlers,
    late: LatePosts,
    erasure: AccountErasure,
) -> Mapping[type[Event], Handler]:
    handlers: dict[type[Event], Handler] = {
        AccountRegistered: accounts.account_changed,
        AccountUpdated: accounts.account_changed,
        FollowCreated: accounts.account_changed,
        FollowDeleted: accounts.account_changed,
        BlockCreated: accounts.account_changed,
        BlockDeleted: accounts.account_changed,
        PhotoUploaded: photos.photo_changed,
        PhotoReady: photos.photo_changed,
        PhotoRejected: photos.photo_changed,
        PhotoFailed: photos.photo_changed,
        PhotoRetentionElapsed: photos.retention_elapsed,
        PostCreated: posts.post_created,
        PostPublished: posts.post_changed,
        PostFailed: posts.post_changed,
        PostEdited: posts.post_changed,
        PostDeleted: posts.post_deleted,
    }
    return {
        AccountErasureRequested: erasure.erasure_requested,
        **{kind: late.after_each(handler) for kind, handler in handlers.items()},
    }


@asynccontextmanager
async def open_subscription(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_consumer_deps(settings, readiness, clock) as deps:
        yield Subscription(
            group=GROUP,
            handlers=handlers(deps.accounts, deps.photos, deps.posts, deps.late, deps.erasure),
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: ConsumerSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("post-consumer", ConsumerSettings(), open_subscription)
