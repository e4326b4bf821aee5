"""The composition root of the service's processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx

from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.erasure import without_erased
from photomesh_shared.consumer.rebuilding import IndexRebuilder, events_of
from photomesh_shared.events import (
    CloseFriendAdded,
    CloseFriendRemoved,
    Event,
    FollowCreated,
    FollowDeleted,
    PhotoReady,
    PhotoRetentionElapsed,
    StoryDeleted,
    StoryExpired,
    StoryPublished,
    StoryReplyCreated,
    StoryReplyDeleted,
    StoryViewed,
)
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.kafka.handling import Handler
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.service_client import open_session as open_http_session
from photomesh_shared.settings import StorageSettings
from photomesh_shared.stores.cassandra import open_session
from photomesh_shared.stores.cdn import HttpCdn
from photomesh_shared.stores.object_storage import ObjectStorage, open_storage
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks
from photomesh_story.archive.queries import ArchiveQueries
from photomesh_story.archive.service import Archivist, HighlightService
from photomesh_story.bytes import StoryBytes
from photomesh_story.clients import PostClient
from photomesh_story.errors import AudienceUnavailable
from photomesh_story.metrics import INDEX_READY
from photomesh_story.replies.queries import ReplyQueries
from photomesh_story.replies.service import ReplyEnder, ReplyService
from photomesh_story.settings import ConsumerSettings, Settings
from photomesh_story.store.archive import CassandraArchive
from photomesh_story.store.connection import open_redis
from photomesh_story.store.index import StoryIndex
from photomesh_story.store.replies import CassandraReplies
from photomesh_story.store.tables import CassandraStories
from photomesh_story.stories.erasure import AccountEraser
from photomesh_story.stories.event_handlers import StoryEventHandlers
from photomesh_story.stories.event_log import StoryEventLog
from photomesh_story.stories.exports import ExportQueries
from photomesh_story.stories.queries import StoryQueries
from photomesh_story.stories.service import PhotoWait, StoryEnder, StoryService
from photomesh_story.stories.sweeper import Sweeper

__all__ = ["ConsumerDeps", "Deps", "open_consumer_deps", "open_deps"]


@dataclass(frozen=True)
class Deps:
    """What routes and middleware use."""

    stories: StoryService
    queries: StoryQueries
    replies: ReplyService
    reply_queries: ReplyQueries
    archive_queries: ArchiveQueries
    highlights: HighlightService
    exports: ExportQueries
    cursors: CursorCodec
    token_verifier: TokenVerifier
    cdn_url: str


@dataclass(frozen=True)
class ConsumerDeps:
    handlers: Mapping[type[Event], Handler]
    eraser: AccountEraser
    publisher: KafkaPublisher


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Cassandra, Redis and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "story"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        http = await stack.enter_async_context(open_http_session())
        readiness.add("cassandra", session.ping)

        tables, index, replies = CassandraStories(session), StoryIndex(redis), CassandraReplies(session)
        post = PostClient(
            ServiceClient(
                http, "post", settings.post_url, caller=settings, unavailable=AudienceUnavailable, clock=clock
            )
        )
        queries = StoryQueries(tables, index, post)
        storage = await stack.enter_async_context(open_storage(settings))
        bytes_ = _bytes(settings, storage, HttpCdn(client, settings.cdn_purge_urls, public_url=settings.cdn_url))
        archive = CassandraArchive(session)
        log = StoryEventLog(tables, index, replies, archive, publisher)
        wait = PhotoWait(
            clock,
            max_age=timedelta(seconds=settings.upload_seconds),
            max_wait=timedelta(seconds=settings.photo_wait_seconds),
        )
        yield Deps(
            stories=StoryService(
                tables, index, bytes_, archive, log=log, ender=StoryEnder(log, clock), queries=queries, wait=wait
            ),
            queries=queries,
            replies=ReplyService(tables, replies, log=log, ender=ReplyEnder(replies, log, clock), queries=queries),
            reply_queries=ReplyQueries(tables, replies, post, queries),
            archive_queries=ArchiveQueries(archive, bytes_, post),
            highlights=HighlightService(archive, bytes_),
            exports=ExportQueries(tables, index, replies, archive),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            cdn_url=settings.cdn_url,
        )


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to Cassandra, Redis and Kafka; sweeps, and watches over Redis, in the background of the context."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        redis = await stack.enter_async_context(open_redis(settings.feed_redis_url.get_secret_value()))
        publisher = await stack.enter_async_context(open_publisher(settings, "story-consumer"))
        readiness.add("cassandra", session.ping)

        storage = await stack.enter_async_context(open_storage(settings))
        client = await stack.enter_async_context(httpx.AsyncClient())
        bytes_ = _bytes(settings, storage, HttpCdn(client, settings.cdn_purge_urls, public_url=settings.cdn_url))
        tables, index, replies = CassandraStories(session), StoryIndex(redis), CassandraReplies(session)
        archive = CassandraArchive(session)
        log = StoryEventLog(tables, index, replies, archive, publisher)
        reply_ender = ReplyEnder(replies, log, clock)
        events = StoryEventHandlers(tables, index, bytes_, archive, log=log, reply_ender=reply_ender)
        archivist = Archivist(tables, archive, bytes_)
        of_index: dict[type[Event], Handler] = {
            StoryPublished: events.story_changed,
            StoryDeleted: events.story_changed,
            StoryExpired: events.story_changed,
            StoryViewed: events.story_changed,
            FollowCreated: events.follow_changed,
            FollowDeleted: events.follow_changed,
            CloseFriendAdded: events.close_friend_changed,
            CloseFriendRemoved: events.close_friend_changed,
        }
        of_tables: dict[type[Event], Handler] = {
            PhotoReady: events.photo_ready,
            PhotoRetentionElapsed: events.retention_elapsed,
            StoryReplyCreated: events.reply_created,
            StoryReplyDeleted: events.story_changed,
        }
        replayed = without_erased(of_index, tables.is_ended)
        sweeper = Sweeper(tables, index, bytes_, log, archivist, clock, interval_seconds=settings.sweep_seconds)
        rebuilder = IndexRebuilder(
            index, events_of(settings), [of_index], clock, ready=INDEX_READY, is_erased=tables.is_ended
        )
        await stack.enter_async_context(in_background("rebuilder", rebuilder.run, clock))
        await stack.enter_async_context(in_background("sweeper", sweeper.run, clock))
        yield ConsumerDeps(
            handlers={**replayed, **without_erased(of_tables, tables.is_ended)},
            eraser=AccountEraser(
                tables,
                index,
                bytes_,
                replies,
                archivist,
                ender=StoryEnder(log, clock),
                reply_ender=reply_ender,
                clock=clock,
            ),
            publisher=publisher,
        )


def _bytes(settings: StorageSettings, storage: ObjectStorage, cdn: HttpCdn) -> StoryBytes:
    return StoryBytes(storage, cdn, raw_bucket=settings.raw_bucket, variants_bucket=settings.variants_bucket)
