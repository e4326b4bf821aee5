"""``python -m photomesh_post.engagement``: counts what people do under posts and what they keep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_post.commenting import CommentCounting
from photomesh_post.counting import Counting
from photomesh_post.saving import Saving
from photomesh_post.settings import EngagementSettings
from photomesh_post.wiring import open_engagement_deps
from photomesh_shared import observability
from photomesh_shared.apps import create_consumer_app
from photomesh_shared.clock import Clock, SystemClock
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
from photomesh_shared.http import Readiness, run
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.runner import BatchHandler, ConsumerRunner, Handler

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


def create_app(settings: EngagementSettings | None = None, clock: Clock | None = None) -> FastAPI:
    """The consumer behind its health endpoints. No I/O happens here."""
    settings = settings or EngagementSettings()

    @asynccontextmanager
    async def open_runner(readiness: Readiness) -> AsyncIterator[ConsumerRunner]:
        async with open_engagement_deps(settings, readiness, clock or SystemClock()) as deps:
            yield ConsumerRunner(
                kafka_source(settings.kafka_bootstrap),
                group=GROUP,
                handlers=handlers(deps.saving),
                batch_handlers=batch_handlers(deps.counting, deps.comment_counting),
                publisher=deps.publisher,
                buffer=_BUFFER,
                flush=deps.announcements.tell,
                drain_seconds=settings.shutdown_seconds,
                clock=clock,
            )

    return create_consumer_app("Photomesh post engagement", settings, open_runner)


def main() -> None:
    settings = EngagementSettings()
    observability.configure("post-engagement", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
