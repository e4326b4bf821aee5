"""``python -m photomesh_post.engagement``: counts likes, comments and saves, and publishes the counts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from photomesh_post.comments.event_handlers import CommentEventHandlers
from photomesh_post.endings.accounts import AccountErasure
from photomesh_post.endings.late import LateEngagement
from photomesh_post.engagement_wiring import open_engagement_deps
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.saves.event_log import SaveEventLog
from photomesh_post.settings import EngagementSettings
from photomesh_shared.clock import Clock
from photomesh_shared.consumer import Subscription, create_consumer_app, run_consumer
from photomesh_shared.events import (
    AccountErasureRequested,
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
_GATHER_MS = 100  # counts are published once a second
_BUFFER = 2_000  # records per partition: likes of a popular post are counted some hundreds at a time


def batch_handlers(
    likes: LikeEventHandlers, comments: CommentEventHandlers, late: LateEngagement
) -> Mapping[type[Event], BatchHandler]:
    likes_changed, comments_changed = late.after(likes.likes_changed), late.after(comments.comments_changed)
    return {
        PostLiked: likes_changed,
        PostUnliked: likes_changed,
        CommentLiked: likes_changed,
        CommentUnliked: likes_changed,
        CommentCreated: comments_changed,
        CommentDeleted: comments_changed,
    }


def handlers(saves: SaveEventLog, late: LateEngagement, erasure: AccountErasure) -> Mapping[type[Event], Handler]:
    apply = late.after_each(saves.apply)
    return {
        AccountErasureRequested: erasure.erasure_requested,
        PostSaved: apply,
        PostUnsaved: apply,
        CollectionCreated: apply,
        CollectionRenamed: apply,
        CollectionDeleted: apply,
        CollectionPostAdded: apply,
        CollectionPostRemoved: apply,
    }


@asynccontextmanager
async def open_subscription(
    settings: EngagementSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[Subscription]:
    async with open_engagement_deps(settings, readiness, clock) as deps:
        yield Subscription(
            group=GROUP,
            handlers=handlers(deps.saves, deps.late, deps.erasure),
            batch_handlers=batch_handlers(deps.likes, deps.comments, deps.late),
            buffer=_BUFFER,
            flush=deps.counts.flush,
            gather_ms=_GATHER_MS,
            publisher=deps.publisher,
        )


def create_app(settings: EngagementSettings, clock: Clock | None = None) -> Starlette:
    return create_consumer_app(settings, open_subscription, clock)


if __name__ == "__main__":
    run_consumer("post-engagement", EngagementSettings(), open_subscription)
