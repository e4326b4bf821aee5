"""Use cases of the consumer: what follows from each event.

All survive replay and any order: what is kept is compared by version, lists are sets, and what is asked of others is
asked again. A fan-out reads the list of followers when it runs. Whoever follows later is back-filled from the author's
timeline, which has the post before any task is made; whoever unfollows while it runs may still get the post into their
list, where nobody sees it: readers look at whom they follow now.
"""

from __future__ import annotations

from typing import Literal, Protocol

from photomesh_feed.delivery.fanout_planner import Tasks
from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.delivery.timeline_cache import Timelines, TimelineStore
from photomesh_feed.domain import affinity
from photomesh_feed.domain.snapshots import edited, published
from photomesh_feed.store import keys
from photomesh_feed.store.writer import KeptPost
from photomesh_shared.events import (
    AccountRegistered,
    AccountUpdated,
    CommentCreated,
    CommentDeleted,
    Envelope,
    FollowCreated,
    FollowDeleted,
    MuteCreated,
    MuteDeleted,
    PostCounted,
    PostDeleted,
    PostEdited,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Folding", "Store"]

AFTER_SNAPSHOT = declare("feed.consumer.after_snapshot", "a published post is kept, its author's timeline lacks it")
AFTER_TIMELINE = declare("feed.consumer.after_timeline", "a published post is in its author's timeline, in no task")
AFTER_TASKS = declare("feed.consumer.after_tasks", "all tasks of a post are in the log")
AFTER_FOLLOW = declare("feed.consumer.after_follow", "a follow or its end is known, the feed does not show it")
AFTER_COUNT = declare(
    "feed.consumer.after_count", "the number of followers is known, the feed does not show the follow"
)

BACK_FILL_POSTS = 100


class Store(TimelineStore, Protocol):
    """See `store.writes.FeedWrites`."""

    async def post(self, post_id: int) -> KeptPost: ...
    async def keep_post(self, post_id: int, before: KeptPost, fields: dict[str, str | int]) -> bool: ...
    async def delete_post(self, post_id: int, author_id: int) -> None: ...
    async def count_post(self, post_id: int, *, likes: int, comments: int, version: int) -> None: ...
    async def back_fill(self, account_id: int, author_id: int, post_ids: list[int], *, older_remain: bool) -> int: ...
    async def take_out(self, account_id: int, author_id: int, post_ids: list[int]) -> int: ...
    async def relate(
        self, kind: Literal["follow", "mute"], account_id: int, other_id: int, version: int, *, holds: bool
    ) -> bool: ...
    async def engage(
        self,
        states: str,
        account_id: int,
        field: str,
        version: int,
        *,
        holds: bool,
        author_id: int | None,
        points: float,
    ) -> None: ...
    async def name_user(
        self, account_id: int, version: int, *, username: str, display_name: str, avatar_url: str | None, private: bool
    ) -> None: ...


class Folding:
    """One method per kind of event."""

    def __init__(
        self, store: Store, timelines: Timelines, tasks: Tasks, popularity: Popularity, *, cdn_url: str
    ) -> None:
        self._store = store
        self._timelines = timelines
        self._tasks = tasks
        self._popularity = popularity
        self._cdn_url = cdn_url

    # Posts

    async def post_published(self, envelope: Envelope[PostPublished]) -> None:
        post = envelope.data
        await self._keep_published(envelope)
        await failpoint(AFTER_SNAPSHOT)
        if not await self._store.add_to_timeline(post.author_id, [post.post_id]):
            return  # deleted, whichever of the two events came first
        await failpoint(AFTER_TIMELINE)
        if await self._popularity.pushes(post.author_id):
            await self._tasks.request(post.author_id, [post.post_id], cause="published", at=envelope.time)
        await failpoint(AFTER_TASKS)

    async def _keep_published(self, envelope: Envelope[PostPublished]) -> None:
        post, version = envelope.data, envelope.entityversion
        while True:
            kept = await self._store.post(post.post_id)
            if kept.deleted or kept.version >= version:
                return
            snapshot = published(post, version, self._cdn_url)
            if kept.edit and kept.edit_version > version:
                edit = PostEdited.model_validate_json(kept.edit)
                snapshot = edited(snapshot.static, edit, kept.edit_version)
            if await self._store.keep_post(post.post_id, kept, snapshot.fields()):
                return

    async def post_edited(self, envelope: Envelope[PostEdited]) -> None:
        post, version = envelope.data, envelope.entityversion
        while True:
            kept = await self._store.post(post.post_id)
            if kept.deleted or max(kept.version, kept.edit_version) >= version:
                return
            fields: dict[str, str | int] = {"e": post.model_dump_json(), "ev": version}
            if kept.static is not None:
                fields = edited(kept.static, post, version).fields()
            if await self._store.keep_post(post.post_id, kept, fields):
                return

    async def post_deleted(self, envelope: Envelope[PostDeleted]) -> None:
        """Its tombstone takes it out of every feed: readers look at it, and tasks do nothing any more."""
        await self._store.delete_post(envelope.data.post_id, envelope.data.author_id)

    async def post_counted(self, envelope: Envelope[PostCounted]) -> None:
        counted = envelope.data
        await self._store.count_post(
            counted.post_id, likes=counted.likes, comments=counted.comments, version=envelope.entityversion
        )

    # The graph

    async def follow_created(self, envelope: Envelope[FollowCreated]) -> None:
        """Back-fills also from authors who are pulled: they may not be for ever."""
        follow = envelope.data
        has_feed = await self._store.relate(
            "follow", follow.follower_id, follow.followee_id, envelope.entityversion, holds=True
        )
        await failpoint(AFTER_FOLLOW)
        await self._popularity.counted(follow.followee_id, follow.followers)
        await failpoint(AFTER_COUNT)
        if has_feed:
            posts, older_remain = await self._timelines.newest(follow.followee_id, BACK_FILL_POSTS)
            await self._store.back_fill(follow.follower_id, follow.followee_id, posts, older_remain=older_remain)

    async def follow_deleted(self, envelope: Envelope[FollowDeleted]) -> None:
        """Readers have not seen the posts since the first line: what is taken out makes room."""
        follow = envelope.data
        has_feed = await self._store.relate(
            "follow", follow.follower_id, follow.followee_id, envelope.entityversion, holds=False
        )
        await failpoint(AFTER_FOLLOW)
        await self._popularity.counted(follow.followee_id, follow.followers)
        await failpoint(AFTER_COUNT)
        if has_feed:
            _, posts = await self._store.timeline(follow.followee_id, keys.TIMELINE_POSTS)
            await self._store.take_out(follow.follower_id, follow.followee_id, posts)

    async def mute_changed(self, envelope: Envelope[MuteCreated | MuteDeleted]) -> None:
        mute = envelope.data
        await self._store.relate(
            "mute", mute.muter_id, mute.muted_id, envelope.entityversion, holds=isinstance(mute, MuteCreated)
        )

    # What readers do

    async def like_changed(self, envelope: Envelope[PostLiked | PostUnliked]) -> None:
        like = envelope.data
        await self._store.engage(
            keys.likes(like.account_id),
            like.account_id,
            str(like.post_id),
            envelope.entityversion,
            holds=isinstance(like, PostLiked),
            author_id=_other(like.post_author_id, like.account_id),
            points=affinity.points(affinity.LIKE, like.post_id),
        )

    async def comment_changed(self, envelope: Envelope[CommentCreated | CommentDeleted]) -> None:
        comment = envelope.data
        await self._store.engage(
            keys.likes(comment.account_id),
            comment.account_id,
            f"c{comment.comment_id}",
            envelope.entityversion,
            holds=isinstance(comment, CommentCreated),
            author_id=_other(comment.post_author_id, comment.account_id),
            points=affinity.points(affinity.COMMENT, comment.post_id),
        )

    async def save_changed(self, envelope: Envelope[PostSaved | PostUnsaved]) -> None:
        """Does not count towards affinity: the event does not say whose post it is."""
        save = envelope.data
        await self._store.engage(
            keys.saves(save.account_id),
            save.account_id,
            str(save.post_id),
            envelope.entityversion,
            holds=isinstance(save, PostSaved),
            author_id=None,
            points=0.0,
        )

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        account = envelope.data
        await self._store.name_user(
            account.user_id,
            envelope.entityversion,
            username=account.username,
            display_name=account.display_name,
            avatar_url=account.avatar_url,
            private=account.private,
        )


def _other(author_id: int, account_id: int) -> int | None:
    """Nobody is drawn to themselves."""
    return author_id if author_id != account_id else None
