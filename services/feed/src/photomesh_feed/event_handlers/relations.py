"""Events of follows and mutes: whom a reader sees, and what is in the list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from photomesh_feed.delivery.popularity import Popularity
from photomesh_feed.delivery.timeline_cache import TimelineCache
from photomesh_feed.domain.timelines import TIMELINE_POSTS, TimelineHead
from photomesh_shared.events import Envelope, FollowCreated, FollowDeleted, MuteCreated, MuteDeleted
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["BACK_FILL_POSTS", "RelationEventHandlers", "RelationStore"]

AFTER_FOLLOW = declare("feed.consumer.after_follow", "a follow or its end is stored, the list is not changed")
AFTER_COUNT = declare("feed.consumer.after_count", "the number of followers is stored, the list is not changed")

BACK_FILL_POSTS = 100
"""Posts of an author that a new follower's list gets."""


class RelationStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def apply_relation(
        self, kind: Literal["follow", "mute"], account_id: int, other_id: int, version: int, *, active: bool
    ) -> bool: ...
    async def timeline(self, author_id: int, limit: int) -> TimelineHead: ...
    async def back_fill(
        self, account_id: int, author_id: int, post_ids: Sequence[int], *, older_remain: bool
    ) -> int: ...
    async def remove_author_posts(self, account_id: int, author_id: int, post_ids: Sequence[int]) -> int: ...


class RelationEventHandlers:
    def __init__(self, store: RelationStore, timelines: TimelineCache, popularity: Popularity) -> None:
        self._store = store
        self._timelines = timelines
        self._popularity = popularity

    async def follow_created(self, envelope: Envelope[FollowCreated]) -> None:
        """Back-fills posts of pulled authors, too: they may be pushed one day."""
        follow = envelope.data
        has_feed = await self._store.apply_relation(
            "follow", follow.follower_id, follow.followee_id, envelope.entityversion, active=True
        )
        await failpoint(AFTER_FOLLOW)
        await self._popularity.apply_follower_count(follow.followee_id, follow.followers)
        await failpoint(AFTER_COUNT)
        if has_feed:
            await self.back_fill(follow.follower_id, follow.followee_id)

    async def back_fill(self, follower_id: int, followee_id: int) -> None:
        """Puts an author's newest posts into the feed of an account that follows it."""
        posts, older_remain = await self._timelines.newest(followee_id, BACK_FILL_POSTS)
        await self._store.back_fill(follower_id, followee_id, posts, older_remain=older_remain)

    async def follow_deleted(self, envelope: Envelope[FollowDeleted]) -> None:
        """The relation alone hides the posts; removing them makes room."""
        follow = envelope.data
        has_feed = await self._store.apply_relation(
            "follow", follow.follower_id, follow.followee_id, envelope.entityversion, active=False
        )
        await failpoint(AFTER_FOLLOW)
        await self._popularity.apply_follower_count(follow.followee_id, follow.followers)
        await failpoint(AFTER_COUNT)
        if has_feed:
            _, posts = await self._store.timeline(follow.followee_id, TIMELINE_POSTS)
            await self._store.remove_author_posts(follow.follower_id, follow.followee_id, posts)

    async def mute_changed(self, envelope: Envelope[MuteCreated | MuteDeleted]) -> None:
        """A feed that was built meanwhile lacks the posts of a muted account."""
        mute = envelope.data
        mutes = isinstance(mute, MuteCreated)
        has_feed = await self._store.apply_relation(
            "mute", mute.muter_id, mute.muted_id, envelope.entityversion, active=mutes
        )
        if has_feed and not mutes:
            await self.back_fill(mute.muter_id, mute.muted_id)
