"""Everything that the service's processes are made of, put together in one place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from redis.asyncio import Redis

from photomesh_post.comments.event_log import CommentCounting, Commenting
from photomesh_post.comments.service import CommentService
from photomesh_post.comments.store import CassandraComments
from photomesh_post.likes.event_handlers import Announcements, Counting
from photomesh_post.likes.service import Liking
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.photos.cdn import HttpCdn
from photomesh_post.photos.objects import StoredPhotos
from photomesh_post.posts.event_handlers import Folding
from photomesh_post.posts.event_log import Publishing
from photomesh_post.posts.queries import Patience, Views
from photomesh_post.posts.service import PostService
from photomesh_post.posts.snapshots import Snapshots
from photomesh_post.posts.store import CassandraStore
from photomesh_post.posts.visibility import Visibility
from photomesh_post.saves.event_log import Saving
from photomesh_post.saves.service import SavedPosts, SaveService
from photomesh_post.saves.store import CassandraSaves
from photomesh_post.settings import ConsumerSettings, EngagementSettings, Settings
from photomesh_shared.auth import TokenVerifier, fetch_jwks
from photomesh_shared.cassandra import open_session
from photomesh_shared.clock import Clock
from photomesh_shared.cursors import CursorCodec
from photomesh_shared.http import Readiness
from photomesh_shared.idempotency import IdempotencyStore
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.storage import open_storage
from photomesh_shared.worker_lease import lease_ids

__all__ = [
    "ConsumerDeps",
    "Deps",
    "EngagementDeps",
    "open_consumer_deps",
    "open_deps",
    "open_engagement_deps",
]


@dataclass(frozen=True)
class Deps:
    """What routes and middleware use."""

    service: PostService
    views: Views
    liking: Liking
    comments: CommentService
    saves: SaveService
    saved_posts: SavedPosts
    snapshots: Snapshots
    cursors: CursorCodec
    token_verifier: TokenVerifier
    idempotency: IdempotencyStore
    cdn_url: str
    public_url: str


@dataclass(frozen=True)
class ConsumerDeps:
    folding: Folding
    publisher: KafkaPublisher


@dataclass(frozen=True)
class EngagementDeps:
    counting: Counting
    comment_counting: CommentCounting
    saving: Saving
    announcements: Announcements
    publisher: KafkaPublisher


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Cassandra, Redis and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.get_secret_value()))
        id_source = await stack.enter_async_context(lease_ids(redis, settings.region_number, clock))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "post"))
        client = await stack.enter_async_context(httpx.AsyncClient())

        store = CassandraStore(session, clock)
        patience = Patience(
            clock,
            young=timedelta(seconds=settings.upload_seconds),
            wait=timedelta(seconds=settings.photo_wait_seconds),
        )
        visibility = Visibility(store)
        liking = Liking(CassandraLikes(session), visibility, publisher, clock)
        comments, saves = CassandraComments(session), CassandraSaves(session)
        commenting, saving = Commenting(comments, publisher, clock), Saving(saves, publisher, clock)
        saved_posts = SavedPosts(saves, liking)
        views = Views(store, visibility, patience, saved_posts)
        publishing = Publishing(store, publisher, clock)
        # Kafka and Redis are not among them: without them nothing can be posted, but everything can be read.
        readiness.add("cassandra", store.ping)
        yield Deps(
            service=PostService(store, publishing, visibility, views, id_source, patience, clock),
            views=views,
            liking=liking,
            comments=CommentService(comments, commenting, visibility, liking, id_source, clock),
            saves=SaveService(saves, saving, visibility, views, id_source, clock),
            saved_posts=saved_posts,
            snapshots=Snapshots(store),
            cursors=CursorCodec(settings.cursor_secret.get_secret_value()),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            idempotency=IdempotencyStore(redis, settings.idempotency_secret.get_secret_value()),
            cdn_url=settings.cdn_url,
            public_url=settings.public_url,
        )


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to Cassandra, object storage and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        storage = await stack.enter_async_context(open_storage(settings))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "post-consumer"))
        client = await stack.enter_async_context(httpx.AsyncClient())

        store = CassandraStore(session, clock)
        readiness.add("cassandra", store.ping)
        objects = StoredPhotos(storage, raw_bucket=settings.raw_bucket, variants_bucket=settings.variants_bucket)
        cdn = HttpCdn(client, settings.cdn_purge_urls, public_url=settings.cdn_url)
        yield ConsumerDeps(Folding(store, Publishing(store, publisher, clock), objects, cdn), publisher)


@asynccontextmanager
async def open_engagement_deps(
    settings: EngagementSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[EngagementDeps]:
    """Connects to Cassandra and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        publisher = await stack.enter_async_context(open_publisher(settings.kafka_bootstrap, "post-engagement"))

        readiness.add("cassandra", CassandraStore(session, clock).ping)
        likes = CassandraLikes(session)
        announcements = Announcements(likes, publisher, clock)
        commenting = Commenting(CassandraComments(session), publisher, clock)
        yield EngagementDeps(
            counting=Counting(likes, announcements),
            comment_counting=CommentCounting(commenting, announcements),
            saving=Saving(CassandraSaves(session), publisher, clock),
            announcements=announcements,
            publisher=publisher,
        )
