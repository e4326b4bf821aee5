"""Events of posts: snapshots, timelines, fan-out, counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_feed.delivery.fanout_planner import FanoutPlanner
from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.domain.snapshots import Snapshot, StoredPost
from photomesh_shared.events import Envelope, PostCounted, PostDeleted, PostEdited, PostPublished
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["PostEventHandlers", "PostStore"]

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
    async def add_to_timeline(self, author_id: int, post_ids: Sequence[int]) -> int: ...


class PostEventHandlers:
    def __init__(self, store: PostStore, planner: FanoutPlanner, popularity: Popularity, *, cdn_url: str) -> None:
        self._store = store
        self._planner = planner
        self._popularity = popularity
        self._cdn_url = cdn_url

    async def post_published(self, envelope: Envelope[PostPublished]) -> None:
        """The fan-out reads the followers when it runs. Who follows later is back-filled from the author's timeline,
        which has the post before any task exists. Who unfollows while it runs may still get the post into their list,
        where the rules of reading hide it."""
        post = envelope.data
        await self._save_published(envelope)
        await failpoint(AFTER_SNAPSHOT)
        if not await self._store.add_to_timeline(post.author_id, [post.post_id]):
            return  # deleted, whichever of the two events came first
        await failpoint(AFTER_TIMELINE)
        if await self._popularity.is_pushed(post.author_id):
            await self._planner.plan(post.author_id, [post.post_id], cause="published", at=envelope.time)
        await failpoint(AFTER_TASKS)

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
        well. It plans no fan-out: lists are filled from timelines. An edit from before edits had all of the post waits
        for the publication."""
        post, version = envelope.data, envelope.entityversion
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
            await self._store.add_to_timeline(post.author_id, [post.post_id])

    async def post_deleted(self, envelope: Envelope[PostDeleted]) -> None:
        """Leaves a tombstone, which hides the post in every feed and stops its fan-out."""
        await self._store.delete_post(envelope.data.post_id, envelope.data.author_id)

    async def post_counted(self, envelope: Envelope[PostCounted]) -> None:
        counts = envelope.data
        await self._store.apply_counts(
            counts.post_id, likes=counts.likes, comments=counts.comments, version=envelope.entityversion
        )
