"""Consumer use case: an account is erased."""

from __future__ import annotations

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope
from photomesh_story.archive.service import Archivist
from photomesh_story.replies.protocols import Replies
from photomesh_story.replies.service import ReplyEnder
from photomesh_story.stories.protocols import Bytes, Index, Tables
from photomesh_story.stories.service import StoryEnder

__all__ = ["AccountEraser"]

_TOPICS = ("stories", "story_views", "story_replies")


class AccountEraser:
    def __init__(
        self,
        tables: Tables,
        index: Index,
        bytes_: Bytes,
        replies: Replies,
        archivist: Archivist,
        *,
        ender: StoryEnder,
        reply_ender: ReplyEnder,
        clock: Clock,
    ) -> None:
        self._tables = tables
        self._replies = replies
        self._archivist = archivist
        self._reply_ender = reply_ender
        self._index = index
        self._bytes = bytes_
        self._ender = ender
        self._clock = clock

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Deletes the account's stories with their objects, its archive and highlights, what it replied, and what
        it saw of others. Idempotent. Raises Unavailable."""
        account_id = envelope.data.user_id
        await self._tables.mark_ended(account_id)
        story_ids = await self._tables.story_ids_of(account_id)
        for stored in (await self._tables.stories(story_ids)).values():
            if not stored.deleted:
                await self._ender.end(stored.story)
            await self._bytes.remove(stored.story.variants)
        replies = await self._replies.of_account(account_id)
        for reply in replies:
            await self._reply_ender.end(reply)
        await self._replies.forget_account(account_id)
        archived = await self._archivist.erase(account_id)
        photos = 0
        async for photo in self._tables.photos_of(account_id):
            await self._bytes.forget(photo.photo_id, photo.upload_id)
            photos += 1
        await self._index.forget(account_id, story_ids)
        await self._tables.forget_account(account_id)
        now = self._clock.now()
        kept = (
            kept_dead_letters(_TOPICS, now),
            *(kept_in_topic(topic, "stories, views and replies", now) for topic in _TOPICS),
        )
        return Erased(
            {"stories": len(story_ids), "photos": photos, "replies": len(replies), "archived": archived}, kept
        )
