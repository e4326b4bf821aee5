"""``python -m photomesh_post.consumer``: what follows from the events of photos, posts, accounts and follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_post.folding import Folding
from photomesh_post.settings import ConsumerSettings
from photomesh_post.wiring import open_consumer_deps
from photomesh_shared import observability
from photomesh_shared.apps import create_consumer_app
from photomesh_shared.clock import Clock, SystemClock
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
from photomesh_shared.http import Readiness, run
from photomesh_shared.kafka.consumer import kafka_source
from photomesh_shared.kafka.runner import ConsumerRunner, Handler

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


def create_app(settings: ConsumerSettings | None = None, clock: Clock | None = None) -> FastAPI:
    """The consumer behind its health endpoints. No I/O happens here."""
    settings = settings or ConsumerSettings()

    @asynccontextmanager
    async def open_runner(readiness: Readiness) -> AsyncIterator[ConsumerRunner]:
        async with open_consumer_deps(settings, readiness, clock or SystemClock()) as deps:
            yield ConsumerRunner(
                kafka_source(settings.kafka_bootstrap),
                group=GROUP,
                handlers=handlers(deps.folding),
                publisher=deps.publisher,
                drain_seconds=settings.shutdown_seconds,
                clock=clock,
            )

    return create_consumer_app("Photomesh post consumer", settings, open_runner)


def main() -> None:
    settings = ConsumerSettings()
    observability.configure("post-consumer", settings)
    run(create_app(settings), settings)


if __name__ == "__main__":
    main()
