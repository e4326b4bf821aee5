"""The composition root of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
from redis.asyncio import Redis

from photomesh_post.accounts.avatars import ReplacedAvatars
from photomesh_post.accounts.mentions import MentionLinker
from photomesh_post.accounts.service import AccountStates
from photomesh_post.accounts.store import CassandraAccounts
from photomesh_post.accounts.visibility import AccountVisibility
from photomesh_post.comments.counting import CommentCounter
from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.comments.queries import CommentQueries
from photomesh_post.comments.service import CommentService
from photomesh_post.comments.store import CassandraComments
from photomesh_post.counts.store import CassandraCounts
from photomesh_post.erasures.store import CassandraErasures
from photomesh_post.exports.queries import ExportQueries
from photomesh_post.likes.event_log import LikeEventLog
from photomesh_post.likes.queries import LikeQueries
from photomesh_post.likes.service import LikeService
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.photos.arrivals import PhotoArrivals
from photomesh_post.photos.queries import PhotoQueries
from photomesh_post.photos.store import CassandraPhotos
from photomesh_post.posts.claims import PhotoClaims
from photomesh_post.posts.event_log import PostEventLog
from photomesh_post.posts.queries import PostQueries
from photomesh_post.posts.service import PostService
from photomesh_post.posts.settlement import PostSettlement
from photomesh_post.posts.snapshots import PostSnapshots
from photomesh_post.posts.store import CassandraPosts
from photomesh_post.posts.visibility import PostVisibility
from photomesh_post.saves.event_log import SaveEventLog
from photomesh_post.saves.queries import PostReactions, SaveQueries
from photomesh_post.saves.service import SaveService
from photomesh_post.saves.store import CassandraSaves
from photomesh_post.settings import Settings
from photomesh_post.sightings.queries import SightingQueries
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.http.cursors import CursorCodec
from photomesh_shared.http.idempotency import IdempotencyStore
from photomesh_shared.kafka.publisher import open_publisher
from photomesh_shared.stores.cassandra import open_session
from photomesh_shared.stores.idempotency_keys import CassandraKeys
from photomesh_shared.stores.worker_lease import lease_ids
from photomesh_shared.tokens.access import TokenVerifier, fetch_jwks

__all__ = [
    "Deps",
    "open_deps",
]


@dataclass(frozen=True)
class Deps:
    """What routes and middleware use."""

    posts: PostService
    post_queries: PostQueries
    post_reactions: PostReactions
    snapshots: PostSnapshots
    photo_queries: PhotoQueries
    accounts: CassandraAccounts
    account_states: AccountStates
    likes: LikeService
    like_queries: LikeQueries
    comments: CommentService
    comment_queries: CommentQueries
    saves: SaveService
    save_queries: SaveQueries
    exports: ExportQueries
    sightings: SightingQueries
    cursors: CursorCodec
    token_verifier: TokenVerifier
    idempotency: IdempotencyStore
    cdn_url: str


@asynccontextmanager
async def open_deps(settings: Settings, readiness: Readiness, clock: Clock) -> AsyncIterator[Deps]:
    """Connects to Cassandra, Redis and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        redis = await stack.enter_async_context(Redis.from_url(settings.redis_url.get_secret_value()))
        id_source = await stack.enter_async_context(lease_ids(redis, settings.region_number, clock))
        publisher = await stack.enter_async_context(open_publisher(settings, "post"))
        client = await stack.enter_async_context(httpx.AsyncClient())
        # Kafka and Redis are not needed to be ready: without them writing fails, and everything can be read.
        readiness.add("cassandra", session.ping)

        accounts, photos, posts = CassandraAccounts(session), CassandraPhotos(session), CassandraPosts(session, clock)
        likes, comments, saves = CassandraLikes(session), CassandraComments(session), CassandraSaves(session)
        counts = CassandraCounts(session)

        viewers = AccountVisibility(accounts, clock)
        visible_posts = PostVisibility(posts, viewers)
        mentions = MentionLinker(accounts)
        arrivals = PhotoArrivals(
            clock,
            max_age=timedelta(seconds=settings.upload_seconds),
            max_wait=timedelta(seconds=settings.photo_wait_seconds),
        )
        claims = PhotoClaims(posts, clock)
        like_queries = LikeQueries(likes, counts, accounts, viewers, visible_posts)
        post_reactions = PostReactions(saves, like_queries)
        post_queries = PostQueries(posts, photos, viewers, visible_posts, post_reactions)
        comment_queries = CommentQueries(comments, accounts, viewers, visible_posts, like_queries, clock)
        save_queries = SaveQueries(saves, post_queries)

        post_log = PostEventLog(posts, publisher)
        comment_log = CommentEventLog(comments, CommentCounter(comments, counts, clock), publisher, clock)
        yield Deps(
            posts=PostService(
                posts,
                photos,
                accounts,
                claims=claims,
                log=post_log,
                mentions=mentions,
                settlement=PostSettlement(posts, photos, claims, post_log, clock),
                visibility=visible_posts,
                queries=post_queries,
                arrivals=arrivals,
                clock=clock,
            ),
            post_queries=post_queries,
            post_reactions=post_reactions,
            snapshots=PostSnapshots(posts),
            photo_queries=PhotoQueries(photos, claims, viewers, arrivals),
            accounts=accounts,
            account_states=AccountStates(accounts, ReplacedAvatars(accounts, CassandraErasures(session), clock)),
            likes=LikeService(likes, counts, visible_posts, comment_queries, LikeEventLog(likes, publisher), clock),
            like_queries=like_queries,
            comments=CommentService(comments, accounts, visible_posts, comment_queries, mentions, comment_log, clock),
            comment_queries=comment_queries,
            saves=SaveService(saves, visible_posts, save_queries, SaveEventLog(saves, publisher, clock), clock),
            save_queries=save_queries,
            exports=ExportQueries(posts, photos, comments, likes, saves, clock),
            sightings=SightingQueries(viewers, posts, comments, photos, counts),
            cursors=CursorCodec(*settings.cursor_secret.accepted),
            token_verifier=TokenVerifier(
                fetch_jwks(client, settings.jwks_url),
                issuer=settings.token_issuer,
                audience=settings.token_audience,
                clock=clock,
            ),
            idempotency=IdempotencyStore(
                redis, CassandraKeys(session), settings.idempotency_secret.accepted[0], id_source
            ),
            cdn_url=settings.cdn_url,
        )
