"""Events of posts: snapshots, timelines, fan-out, counts."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Protocol

from photomesh_feed.delivery.post_fanout import PostFanout
from photomesh_feed.delivery.timeline_cache import TimelineCache
from photomesh_feed.domain.snapshots import CountedSnapshot, Snapshot, StoredPost
from photomesh_feed.domain.timelines import TimelineAddition, TimelineHead, TimelineState
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import Envelope, PostCounted, PostDeleted, PostEdited, PostPublished
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.internal_api.post import MAX_TIMELINE, Posts

__all__ = ["PostEventHandlers", "PostFiller", "PostStore", "PublishedPosts"]

log = logging.getLogger(__name__)

AFTER_SNAPSHOT = declare("feed.consumer.after_snapshot", "a published post is stored, its author's timeline lacks it")
AFTER_TIMELINE = declare("feed.consumer.after_timeline", "a published post is in its author's timeline, in no task")
AFTER_TASKS = declare("feed.consumer.after_tasks", "all tasks of a post are in the log")


class PostStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def post(self, post_id: int) -> StoredPost: ...
    async def save_snapshot(self, snapshot: Snapshot, before: StoredPost) -> bool: ...
    async def save_edit(self, post_id: int, edit: str, version: int, before: StoredPost) -> bool: ...
    async def delete_post(self, post_id: int, author_id: int) -> None: ...
    async def apply_counts(self, post_id: int, *, likes: int, comments: int, version: int) -> None: ...
    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int], kind: TimelineAddition) -> int: ...
    async def timeline(self, author_id: int, limit: int) -> TimelineHead: ...
    async def may_be_outdated(self, at: datetime, now: datetime) -> bool: ...


class PostFiller(Protocol):
    """See `store.filler.FeedFiller`."""

    async def posts(self, posts: Iterable[CountedSnapshot]) -> None: ...


class PublishedPosts(Protocol):
    """See `clients.post.PostClient`."""

    async def find_posts(self, posts: Collection[int]) -> Posts:
        """Returns the published ones of some posts, and the ids of the deleted ones."""
        ...


class PostEventHandlers:
    def __init__(
        self,
        store: PostStore,
        filler: PostFiller,
        posts: PublishedPosts,
        timelines: TimelineCache,
        fanout: PostFanout,
        clock: Clock,
        *,
        cdn_url: str,
    ) -> None:
        self._store = store
        self._filler = filler
        self._posts = posts
        self._timelines = timelines
        self._clock = clock
        self._fanout = fanout
        self._cdn_url = cdn_url

    async def post_published(self, envelope: Envelope[PostPublished]) -> None:
        """The fan-out reads the followers when it runs. Who follows later is back-filled from the author's timeline,
        which has the post before any task exists. Who unfollows while it runs may still get the post into their list,
        where the rules of reading hide it. Raises Unavailable."""
        post = envelope.data
        if await self._store.may_be_outdated(envelope.time, self._clock.now()):
            await self._load_if_unknown(post.post_id, post.author_id)
        await self._save_published(envelope)
        await failpoint(AFTER_SNAPSHOT)
        if not await self._add_to_timeline(post.author_id, post.post_id):
            return  # deleted, whichever of the two events came first
        await failpoint(AFTER_TIMELINE)
        await self._fanout.fan_out(post.post_id, post.author_id, envelope.time)
        await failpoint(AFTER_TASKS)

    async def _load_if_unknown(self, post_id: int, author_id: int) -> None:
        """Stores what post has of a post that is not known: snapshot and counts, or a tombstone; nothing if it does not
        have the post yet."""
        stored = await self._store.post(post_id)
        if stored.deleted or stored.version:
            return
        found = await self._posts.find_posts([post_id])
        if post_id in found.deleted:
            await self._store.delete_post(post_id, author_id)
        await self._filler.posts(CountedSnapshot.of_post(one, self._cdn_url) for one in found.posts)

    async def _add_to_timeline(self, author_id: int, post_id: int) -> bool:
        """Returns False if the post is deleted. Fills the timeline from post first if Redis has nothing of it: the
        author may have newer posts than this one. If post does not answer, it stays empty, and readers fill it."""
        state, posts = await self._store.timeline(author_id, 1)
        if state is not TimelineState.COMPLETE and not posts:
            try:
                await self._timelines.newest(author_id, MAX_TIMELINE)
            except Unavailable as error:
                log.warning("timeline not filled", extra={"author_id": author_id, "reason": str(error)})
                return not (await self._store.post(post_id)).deleted
        return bool(await self._store.add_to_timeline(author_id, [post_id], "one"))

    async def _save_published(self, envelope: Envelope[PostPublished]) -> None:
        post, version = envelope.data, envelope.entityversion
        while True:
            stored = await self._store.post(post.post_id)
            if stored.deleted or stored.version >= version:
                return
            snapshot = Snapshot.of_publication(post, version, self._cdn_url)
            if stored.edit and stored.edit_version > version:
                edit = PostEdited.model_validate_json(stored.edit)
                snapshot = Snapshot.of_edit(snapshot.static, edit, stored.edit_version)
            if await self._store.save_snapshot(snapshot, stored):
                return

    async def post_edited(self, envelope: Envelope[PostEdited]) -> None:
        """The publication may be compacted away, so an edit of a published post begins the snapshot and the timeline as
        well; post is asked about one that is not known, for the event lacks its counts. It plans no fan-out: lists are
        filled from timelines. An edit from before edits had all of the post waits for the publication."""
        post, version = envelope.data, envelope.entityversion
        await self._load_if_unknown(post.post_id, post.author_id)
        whole = Snapshot.of_edited_post(post, version, self._cdn_url)
        while True:
            stored = await self._store.post(post.post_id)
            if stored.deleted or max(stored.version, stored.edit_version) >= version:
                break
            if whole:
                saved = await self._store.save_snapshot(whole, stored)
            elif stored.static is None:
                saved = await self._store.save_edit(post.post_id, post.model_dump_json(), version, stored)
            else:
                saved = await self._store.save_snapshot(Snapshot.of_edit(stored.static, post, version), stored)
            if saved:
                break
        if whole:
            await self._add_to_timeline(post.author_id, post.post_id)

    async def post_deleted(self, envelope: Envelope[PostDeleted]) -> None:
        """Leaves a tombstone, which hides the post in every feed and stops its fan-out."""
        await self._store.delete_post(envelope.data.post_id, envelope.data.author_id)

    async def post_counted(self, envelope: Envelope[PostCounted]) -> None:
        counts = envelope.data
        await self._store.apply_counts(
            counts.post_id, likes=counts.likes, comments=counts.comments, version=envelope.entityversion
        )
