"""Consumer use cases. Each is idempotent, and raises Unavailable."""

from __future__ import annotations

from photomesh_shared.events import (
    FOR_STORIES,
    CloseFriendAdded,
    CloseFriendRemoved,
    Envelope,
    FollowCreated,
    FollowDeleted,
    PhotoReady,
)
from photomesh_story.stories.event_log import StoryEvent, StoryEventLog
from photomesh_story.stories.protocols import Index, Tables

__all__ = ["StoryEventHandlers"]

_FOLLOWS, _CLOSE_FRIENDS = "follows", "close_friends"


class StoryEventHandlers:
    def __init__(self, tables: Tables, index: Index, log: StoryEventLog) -> None:
        self._tables = tables
        self._index = index
        self._log = log

    async def story_changed(self, envelope: Envelope[StoryEvent]) -> None:
        await self._log.apply(envelope)

    async def photo_ready(self, envelope: Envelope[PhotoReady]) -> None:
        if envelope.data.purpose == FOR_STORIES:
            await self._tables.add_photo(envelope.data, envelope.entityversion)

    async def follow_changed(self, envelope: Envelope[FollowCreated | FollowDeleted]) -> None:
        follow = envelope.data
        await self._index.relation(
            _FOLLOWS,
            follow.follower_id,
            follow.followee_id,
            envelope.entityversion,
            active=isinstance(follow, FollowCreated),
        )

    async def close_friend_changed(self, envelope: Envelope[CloseFriendAdded | CloseFriendRemoved]) -> None:
        change = envelope.data
        await self._index.relation(
            _CLOSE_FRIENDS,
            change.friend_id,
            change.owner_id,
            envelope.entityversion,
            active=isinstance(change, CloseFriendAdded),
        )
