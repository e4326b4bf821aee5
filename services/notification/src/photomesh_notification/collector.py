"""``python -m photomesh_notification.collector``: folds events into tasks for their recipients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_notification.collecting.event_handlers import Collector
from photomesh_notification.settings import CollectorSettings
from photomesh_notification.wiring import open_collector_deps
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import (
    BlockCreated,
    BlockDeleted,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequestClosed,
    FollowRequested,
    MuteCreated,
    MuteDeleted,
    PhotoFailed,
    PhotoRejected,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostLiked,
    PostPublished,
    PostUnliked,
    StoryDeleted,
    StoryReplyCreated,
    StoryReplyDeleted,
    WebhookDeleted,
    WebhookStateChanged,
)
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import BatchHandler

__all__ = ["batch_handlers", "create_app"]

GROUP = "notification"
_GATHER_MS = 200  # until somebody can see a like; each fetch costs as much as a hundred likes
_BUFFER = 2_000  # records per partition: likes of a popular post are folded some hundreds at a time


def batch_handlers(collector: Collector) -> Mapping[type[Event], BatchHandler]:
    kinds: tuple[type[Event], ...] = (
        PostLiked,
        PostUnliked,
        CommentLiked,
        CommentUnliked,
        CommentCreated,
        CommentDeleted,
        FollowCreated,
        FollowDeleted,
        FollowRequested,
        FollowRequestClosed,
        BlockCreated,
        BlockDeleted,
        MuteCreated,
        MuteDeleted,
        PostPublished,
        PostEdited,
        PostDeleted,
        PostFailed,
        PhotoRejected,
        PhotoFailed,
        WebhookStateChanged,
        WebhookDeleted,
        StoryReplyCreated,
        StoryReplyDeleted,
        StoryDeleted,
    )
    return dict.fromkeys(kinds, collector.collect)


@asynccontextmanager
async def open_subscription(
    settings: CollectorSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_collector_deps(settings, readiness, clock) as deps:
        yield Subscription(
            group=GROUP,
            batch_handlers=batch_handlers(deps.collector),
            buffer=_BUFFER,
            flush=deps.collector.flush,
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: CollectorSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("notification-collector", CollectorSettings(), open_subscription)
