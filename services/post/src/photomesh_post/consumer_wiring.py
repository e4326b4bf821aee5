"""The composition root of the consumer: alone, because only this process needs object storage and its libraries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from photomesh_post.accounts.avatars import AvatarEraser, ReplacedAvatars
from photomesh_post.accounts.event_handlers import AccountEventHandlers
from photomesh_post.accounts.reconciliation import AccountCopies, RelationCopies
from photomesh_post.accounts.store import CassandraAccounts
from photomesh_post.endings.account_posts import AccountPosts
from photomesh_post.endings.accounts import TOPICS_OF_POSTS, AccountErasure
from photomesh_post.endings.late_posts import LatePosts
from photomesh_post.erasures.domain import Kind
from photomesh_post.erasures.store import CassandraErasures
from photomesh_post.erasures.worker import ErasureWorker
from photomesh_post.photos.erasure import PhotoEraser
from photomesh_post.photos.event_handlers import PhotoEventHandlers
from photomesh_post.photos.objects import StoredPhotos
from photomesh_post.photos.store import CassandraPhotos
from photomesh_post.posts.claims import PhotoClaims
from photomesh_post.posts.event_handlers import PostEventHandlers
from photomesh_post.posts.event_log import PostEventLog
from photomesh_post.posts.removal import PostRemoval
from photomesh_post.posts.settlement import PostSettlement
from photomesh_post.posts.store import CassandraPosts
from photomesh_post.settings import ConsumerSettings
from photomesh_post.tables.copy_progress import CassandraCopyProgress
from photomesh_shared.clock import Clock
from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.copies import CopyReconciliation
from photomesh_shared.consumer.owners import OwnedAccounts, OwnedPairs
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.service_client import ServiceClient
from photomesh_shared.service_client import open_session as open_http_session
from photomesh_shared.stores.cassandra import CassandraSession, open_session
from photomesh_shared.stores.cdn import HttpCdn
from photomesh_shared.stores.object_storage import open_storage

__all__ = ["ConsumerDeps", "open_consumer_deps"]


@dataclass(frozen=True)
class ConsumerDeps:
    accounts: AccountEventHandlers
    photos: PhotoEventHandlers
    posts: PostEventHandlers
    late: LatePosts
    erasure: AccountErasure
    publisher: KafkaPublisher


@asynccontextmanager
async def open_consumer_deps(
    settings: ConsumerSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[ConsumerDeps]:
    """Connects to Cassandra, object storage and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        storage = await stack.enter_async_context(open_storage(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, "post-consumer"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        readiness.add("cassandra", session.ping)

        photos, posts = CassandraPhotos(session), CassandraPosts(session, clock)
        pending = CassandraErasures(session)
        worker = ErasureWorker(pending, clock)
        log = PostEventLog(posts, publisher)
        claims = PhotoClaims(posts, clock)
        settlement = PostSettlement(posts, photos, claims, log, clock)
        objects = StoredPhotos(storage, raw_bucket=settings.raw_bucket, variants_bucket=settings.variants_bucket)
        cdn = HttpCdn(client, settings.cdn_purge_urls, public_url=settings.cdn_url)
        eraser = PhotoEraser(photos, worker, pending, objects, cdn)
        accounts, removal = CassandraAccounts(session), PostRemoval(posts, log, clock)
        of_account = AccountPosts(posts, photos, accounts, removal, eraser, objects, cdn, clock)
        stages = (
            of_account.delete_posts,
            of_account.delete_photos,
            of_account.delete_avatars,
            of_account.forget_photos,
            of_account.forget_account,
        )
        erasure = AccountErasure("post", Kind.ACCOUNT_POSTS, worker, pending, stages, TOPICS_OF_POSTS, publisher, clock)
        work = {
            Kind.OBJECTS: eraser.remove_objects,
            Kind.CACHES: eraser.purge_caches,
            Kind.AVATAR: AvatarEraser(accounts, objects, cdn).erase,
            Kind.ACCOUNT_POSTS: erasure.erase,
        }
        await stack.enter_async_context(worker.running(work))
        await stack.enter_async_context(_comparing_copies(settings, accounts, pending, session, clock))
        yield ConsumerDeps(
            accounts=AccountEventHandlers(accounts, ReplacedAvatars(accounts, worker, clock)),
            late=LatePosts(pending, posts, photos, accounts, removal, eraser),
            erasure=erasure,
            photos=PhotoEventHandlers(photos, claims, eraser, settlement),
            posts=PostEventHandlers(log, settlement, photos, eraser, pending),
            publisher=publisher,
        )


@asynccontextmanager
async def _comparing_copies(
    settings: ConsumerSettings,
    accounts: CassandraAccounts,
    ended: CassandraErasures,
    session: CassandraSession,
    clock: Clock,
) -> AsyncIterator[None]:
    """Compares copies of accounts and relations with identity and social-graph in the background of the context."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(open_http_session())
        identity, social_graph = (
            ServiceClient(http, name, url, caller=settings, clock=clock)
            for name, url in (("identity", settings.identity_url), ("social-graph", settings.social_graph_url))
        )
        progress, seconds = CassandraCopyProgress(session), settings.copy_pass_seconds
        of_accounts = CopyReconciliation(
            "accounts",
            OwnedAccounts(identity),
            AccountCopies(accounts, ended),
            progress,
            clock,
            pass_seconds=seconds,
        )
        of_relations = CopyReconciliation(
            "relations",
            OwnedPairs(social_graph),
            RelationCopies(accounts, ended),
            progress,
            clock,
            pass_seconds=seconds,
        )
        await stack.enter_async_context(in_background("copies-of-accounts", of_accounts.run))
        await stack.enter_async_context(in_background("copies-of-relations", of_relations.run))
        yield
