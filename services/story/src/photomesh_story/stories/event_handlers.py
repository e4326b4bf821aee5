"""Consumer use cases. Each is idempotent, and raises Unavailable."""

from __future__ import annotations

from datetime import UTC, datetime

from photomesh_shared.events import (
    FOR_STORIES,
    CloseFriendAdded,
    CloseFriendRemoved,
    Envelope,
    FollowCreated,
    FollowDeleted,
    PhotoReady,
    PhotoRetentionElapsed,
    StoryReplyCreated,
)
from photomesh_story.archive.protocols import Archive
from photomesh_story.replies.service import ReplyEnder
from photomesh_story.stories.domain import LIFETIME, Claim
from photomesh_story.stories.event_log import StoryEvent, StoryEventLog
from photomesh_story.stories.protocols import Bytes, Index, Tables

__all__ = ["StoryEventHandlers"]

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_FOLLOWS, _CLOSE_FRIENDS = "follows", "close_friends"


class StoryEventHandlers:
    def __init__(
        self,
        tables: Tables,
        index: Index,
        bytes_: Bytes,
        archive: Archive,
        *,
        log: StoryEventLog,
        reply_ender: ReplyEnder,
    ) -> None:
        self._tables = tables
        self._index = index
        self._bytes = bytes_
        self._archive = archive
        self._log = log
        self._reply_ender = reply_ender

    async def story_changed(self, envelope: Envelope[StoryEvent]) -> None:
        await self._log.apply(envelope)

    async def reply_created(self, envelope: Envelope[StoryReplyCreated]) -> None:
        await self._log.apply(envelope)
        # The process that wrote it may have been killed before it looked.
        await self._reply_ender.keep_latest(envelope.data.account_id, envelope.data.story_id)

    async def photo_ready(self, envelope: Envelope[PhotoReady]) -> None:
        if envelope.data.purpose == FOR_STORIES:
            await self._tables.add_photo(envelope.data, envelope.entityversion)

    async def retention_elapsed(self, envelope: Envelope[PhotoRetentionElapsed]) -> None:
        """Removes a photo of which no story was made in time: it is claimed for none, so that none begins meanwhile.
        That of a story which has just begun is left to the sweeper, that of an archived one to its author."""
        photo = envelope.data
        if photo.purpose != FOR_STORIES or photo.stage != "unused":
            return
        claim = await self._tables.claim(photo.owner_id, photo.photo_id, Claim("none", _LONG_AGO))
        if claim.published_at + LIFETIME <= envelope.time and not await self._is_needed(photo.owner_id, photo.photo_id):
            await self._bytes.forget(photo.photo_id, photo.upload_id)

    async def _is_needed(self, owner_id: int, photo_id: int) -> bool:
        stored = await self._tables.story(photo_id)
        archived = await self._archive.story(owner_id, photo_id)
        return (stored is not None and not stored.swept) or (archived is not None and not archived.deleted)

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
