"""``python -m photomesh_post.engagement``: counts what people do under posts and what they keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_post.comments.event_log import CommentCounting
from photomesh_post.likes.event_handlers import Counting
from photomesh_post.saves.event_log import Saving
from photomesh_post.settings import EngagementSettings
from photomesh_post.wiring import open_engagement_deps
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import (
    CollectionCreated,
    CollectionDeleted,
    CollectionPostAdded,
    CollectionPostRemoved,
    CollectionRenamed,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Event,
    PostLiked,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.runner import BatchHandler, Handler

__all__ = ["batch_handlers", "create_app", "handlers"]

GROUP = "post-engagement"
_BUFFER = 2_000  # of each partition: so that a post that everybody likes is counted some hundreds at a time


def batch_handlers(counting: Counting, comment_counting: CommentCounting) -> Mapping[type[Event], BatchHandler]:
    return {
        **dict.fromkeys((PostLiked, PostUnliked, CommentLiked, CommentUnliked), counting.likes),
        CommentCreated: comment_counting.comments,
        CommentDeleted: comment_counting.comments,
    }


def handlers(saving: Saving) -> Mapping[type[Event], Handler]:
    return dict.fromkeys(
        (
            PostSaved,
            PostUnsaved,
            CollectionCreated,
            CollectionRenamed,
            CollectionDeleted,
            CollectionPostAdded,
            CollectionPostRemoved,
        ),
        saving.apply,
    )


@asynccontextmanager
async def open_subscription(
    settings: EngagementSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_engagement_deps(settings, readiness, clock) as deps:
        yield Subscription(
            group=GROUP,
            handlers=handlers(deps.saving),
            batch_handlers=batch_handlers(deps.counting, deps.comment_counting),
            buffer=_BUFFER,
            flush=deps.announcements.tell,
            publisher=deps.publisher,
        )


def create_app(settings: EngagementSettings, clock: Clock | None = None) -> FastAPI:
    return create_consumer_app("post-engagement", settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("post-engagement", EngagementSettings(), open_subscription)
