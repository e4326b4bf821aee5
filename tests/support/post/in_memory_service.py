"""The whole service in memory: API, consumers, and logs that can be replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from photomesh_post import consumer, engagement
from photomesh_post.accounts.avatars import AvatarEraser, ReplacedAvatars
from photomesh_post.accounts.event_handlers import AccountEventHandlers
from photomesh_post.accounts.mentions import MentionLinker
from photomesh_post.accounts.visibility import AccountVisibility
from photomesh_post.comments.counting import CommentCounter
from photomesh_post.comments.domain import CommentText, CommentView
from photomesh_post.comments.event_handlers import CommentEventHandlers
from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.comments.queries import CommentQueries
from photomesh_post.comments.service import CommentService
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.endings.account_engagement import AccountEngagement
from photomesh_post.endings.account_posts import AccountPosts
from photomesh_post.endings.accounts import TOPICS_OF_ENGAGEMENT, TOPICS_OF_POSTS, AccountErasure
from photomesh_post.endings.engagement import EngagementEnder
from photomesh_post.endings.late import LateEngagement
from photomesh_post.endings.late_posts import LatePosts
from photomesh_post.erasures.domain import Kind
from photomesh_post.erasures.worker import ErasureWorker
from photomesh_post.likes.event_handlers import LikeEventHandlers
from photomesh_post.likes.event_log import LikeEventLog
from photomesh_post.likes.queries import LikeQueries
from photomesh_post.likes.service import LikeService
from photomesh_post.photos.arrivals import PhotoArrivals
from photomesh_post.photos.erasure import PhotoEraser
from photomesh_post.photos.event_handlers import PhotoEventHandlers
from photomesh_post.photos.queries import PhotoQueries
from photomesh_post.posts.claims import PhotoClaims
from photomesh_post.posts.drafts import Draft
from photomesh_post.posts.event_handlers import PostEventHandlers
from photomesh_post.posts.event_log import PostEventLog
from photomesh_post.posts.queries import PostQueries
from photomesh_post.posts.removal import PostRemoval
from photomesh_post.posts.service import PostService
from photomesh_post.posts.settlement import PostSettlement
from photomesh_post.posts.snapshots import PostSnapshots
from photomesh_post.posts.visibility import PostVisibility
from photomesh_post.saves.event_log import SaveEventLog
from photomesh_post.saves.queries import PostReactions, SaveQueries
from photomesh_post.saves.service import SaveService
from photomesh_post.sightings.queries import SightingQueries
from photomesh_shared.events import Envelope, Event
from photomesh_shared.ids import CreationId, IdGenerator
from tests.support.clock import FakeClock
from tests.support.post.memory_comments import MemoryComments
from tests.support.post.memory_counts import MemoryCounts
from tests.support.post.memory_erasures import MemoryErasures
from tests.support.post.memory_likes import MemoryLikes
from tests.support.post.memory_log import MemoryCdn, MemoryLog, MemoryObjects
from tests.support.post.memory_posts import MemoryAccounts, MemoryPhotos, MemoryPosts
from tests.support.post.memory_saves import MemorySaves
from tests.support.post.memory_tables import MemoryTables
from tests.support.post.sample_events import ADA, ready, uploaded

__all__ = ["InMemoryService"]

Result = TypeVar("Result")


@dataclass
class InMemoryService:
    """Use cases are named as in `photomesh_post.wiring.Deps`. Two instances that share stores and logs are two
    processes."""

    clock: FakeClock = field(default_factory=FakeClock)
    tables: MemoryTables = field(default_factory=MemoryTables)
    post_store: MemoryPosts = field(default_factory=MemoryPosts)
    like_store: MemoryLikes = field(default_factory=MemoryLikes)
    comment_store: MemoryComments = field(default_factory=MemoryComments)
    save_store: MemorySaves = field(default_factory=MemorySaves)
    count_store: MemoryCounts = field(default_factory=MemoryCounts)
    erasures: MemoryErasures = field(default_factory=MemoryErasures)
    end_log: MemoryLog = field(default_factory=MemoryLog)
    acknowledgements: MemoryLog = field(default_factory=MemoryLog)
    late_log: MemoryLog = field(default_factory=MemoryLog)
    post_log: MemoryLog = field(default_factory=MemoryLog)
    like_log: MemoryLog = field(default_factory=MemoryLog)
    comment_log: MemoryLog = field(default_factory=MemoryLog)
    save_log: MemoryLog = field(default_factory=MemoryLog)
    count_log: MemoryLog = field(default_factory=MemoryLog)
    objects: MemoryObjects = field(default_factory=MemoryObjects)
    cdn: MemoryCdn = field(default_factory=MemoryCdn)

    def __post_init__(self) -> None:
        self.post_store.tables = self.tables
        self.ids = IdGenerator(1, 0, self.clock)
        accounts, photos, posts = MemoryAccounts(self.tables), MemoryPhotos(self.tables), self.post_store
        arrivals = PhotoArrivals(self.clock, max_age=timedelta(days=1), max_wait=timedelta(seconds=2))
        claims = PhotoClaims(posts, self.clock)
        self.viewers = AccountVisibility(accounts, self.clock)
        visible_posts = PostVisibility(posts, self.viewers)
        mentions = MentionLinker(accounts)

        self.like_queries = LikeQueries(self.like_store, self.count_store, accounts, self.viewers, visible_posts)
        self.post_reactions = PostReactions(self.save_store, self.like_queries)
        self.post_queries = PostQueries(posts, photos, self.viewers, visible_posts, self.post_reactions)
        self.photo_queries = PhotoQueries(photos, claims, self.viewers, arrivals)
        self.comment_queries = CommentQueries(
            self.comment_store, accounts, self.viewers, visible_posts, self.like_queries, self.clock
        )
        self.save_queries = SaveQueries(self.save_store, self.post_queries)
        self.snapshots = PostSnapshots(posts)
        self.sightings = SightingQueries(self.viewers, posts, self.comment_store, photos, self.count_store)

        self.post_events = PostEventLog(posts, self.post_log)
        settlement = PostSettlement(posts, photos, claims, self.post_events, self.clock)
        self.counts = CountPublisher(self.count_store, self.count_log, self.clock)
        self.posts = PostService(
            posts,
            photos,
            accounts,
            claims=claims,
            mentions=mentions,
            log=self.post_events,
            settlement=settlement,
            visibility=visible_posts,
            queries=self.post_queries,
            arrivals=arrivals,
            clock=self.clock,
        )
        self.likes = LikeService(
            self.like_store,
            self.count_store,
            visible_posts,
            self.comment_queries,
            LikeEventLog(self.like_store, self.like_log),
            self.clock,
        )
        counter = CommentCounter(self.comment_store, self.count_store, self.clock)
        self.comment_events = CommentEventLog(self.comment_store, counter, self.comment_log, self.clock)
        self.comments = CommentService(
            self.comment_store,
            accounts,
            visible_posts,
            self.comment_queries,
            mentions,
            self.comment_events,
            self.clock,
        )
        save_events = SaveEventLog(self.save_store, self.save_log, self.clock)
        self.saves = SaveService(self.save_store, visible_posts, self.save_queries, save_events, self.clock)

        worker = self.worker = ErasureWorker(self.erasures, self.clock)
        eraser = PhotoEraser(photos, worker, self.erasures, self.objects, self.cdn)
        like_handlers = LikeEventHandlers(self.like_store, self.count_store, self.counts, self.clock)
        ender = EngagementEnder(
            posts,
            self.like_store,
            self.comment_store,
            self.count_store,
            self.save_store,
            save_events,
            self.end_log,
            self.clock,
        )
        self._work = {
            Kind.OBJECTS: eraser.remove_objects,
            Kind.CACHES: eraser.purge_caches,
            Kind.AVATAR: AvatarEraser(accounts, self.objects, self.cdn).erase,
            Kind.POST: ender.end_post,
            Kind.COMMENT: ender.end_comment,
        }
        removal = PostRemoval(posts, self.post_events, self.clock)
        late_posts = LatePosts(self.erasures, posts, photos, accounts, removal, eraser)
        of_account = AccountPosts(posts, photos, accounts, removal, eraser, self.objects, self.cdn, self.clock)
        erasure = AccountErasure(
            "post",
            Kind.ACCOUNT_POSTS,
            worker,
            self.erasures,
            (
                of_account.delete_posts,
                of_account.delete_photos,
                of_account.delete_avatars,
                of_account.forget_photos,
                of_account.forget_account,
            ),
            TOPICS_OF_POSTS,
            self.acknowledgements,
            self.clock,
        )
        engagement_of_account = AccountEngagement(
            posts,
            self.like_store,
            self.comment_store,
            self.save_store,
            like_handlers,
            self.comment_events,
            self.counts,
            self.end_log,
            self.clock,
        )
        engagement_erasure = AccountErasure(
            "post-engagement",
            Kind.ACCOUNT_ENGAGEMENT,
            worker,
            self.erasures,
            (
                engagement_of_account.end_likes,
                engagement_of_account.delete_comments,
                engagement_of_account.end_saves,
            ),
            TOPICS_OF_ENGAGEMENT,
            self.acknowledgements,
            self.clock,
        )
        self.erasure_handlers = (erasure.erasure_requested, engagement_erasure.erasure_requested)
        self._work |= {Kind.ACCOUNT_POSTS: erasure.erase, Kind.ACCOUNT_ENGAGEMENT: engagement_erasure.erase}
        late = LateEngagement(self.erasures, like_handlers, self.comment_events, save_events, self.late_log, self.clock)
        self._handlers = {
            **consumer.handlers(
                AccountEventHandlers(accounts, ReplacedAvatars(accounts, worker, self.clock)),
                PhotoEventHandlers(photos, claims, eraser, settlement),
                PostEventHandlers(self.post_events, settlement, photos, eraser, self.erasures),
                late_posts,
                erasure,
            ),
            **engagement.handlers(save_events, late, engagement_erasure),
        }
        self._batch_handlers = engagement.batch_handlers(
            like_handlers, CommentEventHandlers(self.comment_events, self.counts, self.erasures), late
        )

    async def consume(self, *envelopes: Envelope[Event]) -> None:
        """Handles events as the consumers do, one by one, and then what they leave to the background."""
        for envelope in envelopes:
            await self._handlers[type(envelope.data)](envelope)
        await self.erase()

    async def erase(self) -> None:
        """Does what is pending. What fails stays."""
        for kind, work in self._work.items():
            for pending in [one for one in self.erasures.pending.values() if one.kind is kind]:
                await work(pending)
                await self.erasures.remove(pending)

    async def consume_batch(self, *envelopes: Envelope[Event]) -> None:
        """Handles likes, or comments, of one post as the consumer does, all at once."""
        await self._batch_handlers[type(envelopes[0].data)](envelopes)

    async def replay(self) -> None:
        """Reads the whole log of posts, including what is added to it meanwhile."""
        for envelope in self.post_log.events:
            await self.consume(envelope)

    async def outlast(self, work: Awaitable[Result]) -> Result:
        """Runs something that waits, and lets the time pass that it waits for."""
        task = asyncio.ensure_future(work)
        while not task.done():
            await self.clock.advance(0.05)
        return await task

    async def ready_photo(self, owner_id: int = ADA) -> int:
        photo_id = self.ids.next()
        await self.consume(uploaded(photo_id, owner_id), ready(photo_id, owner_id))
        return photo_id

    async def create_post(self, *photo_ids: int, author_id: int = ADA, caption: str = "") -> int:
        view = await self.posts.create_post(
            CreationId(self.ids.next()), author_id, Draft.checked(photo_ids, caption, None, [])
        )
        return view.post.id

    async def published_post(self, author_id: int = ADA) -> int:
        return await self.create_post(await self.ready_photo(author_id), author_id=author_id)

    async def write_comment(
        self, author_id: int, post_id: int, text: str = "Lovely", parent_id: int | None = None
    ) -> CommentView:
        await self.clock.advance(0.01)
        return await self.comments.write_comment(
            CreationId(self.ids.next()), author_id, post_id, CommentText.checked(text), parent_id
        )
