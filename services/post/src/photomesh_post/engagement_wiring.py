"""The composition root of the program that counts engagement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from photomesh_post.comments.counting import CommentCounter
from photomesh_post.comments.event_handlers import CommentEventHandlers
from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.comments.store import CassandraComments
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.counts.store import CassandraCounts
from photomesh_post.endings.account_engagement import AccountEngagement
from photomesh_post.endings.accounts import TOPICS_OF_ENGAGEMENT, AccountErasure
from photomesh_post.endings.engagement import EngagementEnder
from photomesh_post.endings.late import LateEngagement
from photomesh_post.erasures.domain import Kind
from photomesh_post.erasures.store import CassandraErasures
from photomesh_post.erasures.worker import ErasureWorker
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.likes.store import CassandraLikes
from photomesh_post.posts.store import CassandraPosts
from photomesh_post.saves.event_log import SaveEventLog
from photomesh_post.saves.store import CassandraSaves
from photomesh_post.settings import EngagementSettings
from photomesh_shared.clock import Clock
from photomesh_shared.http import Readiness
from photomesh_shared.kafka.publisher import KafkaPublisher, open_publisher
from photomesh_shared.stores.cassandra import open_session

__all__ = ["EngagementDeps", "open_engagement_deps"]


@dataclass(frozen=True)
class EngagementDeps:
    likes: LikeEventHandlers
    comments: CommentEventHandlers
    saves: SaveEventLog
    late: LateEngagement
    erasure: AccountErasure
    counts: CountPublisher
    publisher: KafkaPublisher


@asynccontextmanager
async def open_engagement_deps(
    settings: EngagementSettings, readiness: Readiness, clock: Clock
) -> AsyncIterator[EngagementDeps]:
    """Connects to Cassandra and Kafka."""
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session(settings))
        publisher = await stack.enter_async_context(open_publisher(settings, "post-engagement"))
        readiness.add("cassandra", session.ping)

        counts, comments = CassandraCounts(session), CassandraComments(session)
        count_publisher = CountPublisher(counts, publisher, clock)
        likes, saves, erasures = CassandraLikes(session), CassandraSaves(session), CassandraErasures(session)
        comment_log = CommentEventLog(comments, CommentCounter(comments, counts, clock), publisher, clock)
        save_log = SaveEventLog(saves, publisher, clock)
        like_handlers = LikeEventHandlers(likes, counts, count_publisher, clock)
        posts, worker = CassandraPosts(session, clock), ErasureWorker(erasures, clock)
        ender = EngagementEnder(posts, likes, comments, counts, saves, save_log, publisher, clock)
        of_account = AccountEngagement(
            posts, likes, comments, saves, like_handlers, comment_log, count_publisher, publisher, clock
        )
        erasure = AccountErasure(
            "post-engagement",
            Kind.ACCOUNT_ENGAGEMENT,
            worker,
            erasures,
            (of_account.end_likes, of_account.delete_comments, of_account.end_saves),
            TOPICS_OF_ENGAGEMENT,
            publisher,
            clock,
        )
        work = {
            Kind.POST: ender.end_post,
            Kind.COMMENT: ender.end_comment,
            Kind.ACCOUNT_ENGAGEMENT: erasure.erase,
        }
        await stack.enter_async_context(worker.running(work))
        yield EngagementDeps(
            likes=like_handlers,
            comments=CommentEventHandlers(comment_log, count_publisher, erasures),
            saves=save_log,
            late=LateEngagement(erasures, like_handlers, comment_log, save_log, publisher, clock),
            erasure=erasure,
            counts=count_publisher,
            publisher=publisher,
        )
