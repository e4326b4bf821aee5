"""The log of stories: an event is produced to Kafka first, then applied to Cassandra and Redis."""

from __future__ import annotations

from collections.abc import Mapping

from photomesh_shared.events import (
    Envelope,
    StoryDeleted,
    StoryExpired,
    StoryPublished,
    StoryReplyCreated,
    StoryReplyDeleted,
    StoryViewed,
)
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher
from photomesh_story.archive.protocols import Archive
from photomesh_story.metrics import STORIES
from photomesh_story.replies.domain import Reply, ReplyPosition
from photomesh_story.replies.protocols import Replies
from photomesh_story.stories.protocols import Index, Tables

__all__ = ["StoryEvent", "StoryEventLog"]

AFTER_PRODUCE = declare("story.after_produce", "the event is in the log, the stores do not have it")
AFTER_TABLES = declare("story.after_tables", "the event is in the log and in Cassandra, Redis does not have it")

StoryEvent = StoryPublished | StoryDeleted | StoryExpired | StoryViewed | StoryReplyCreated | StoryReplyDeleted

_WHAT: Mapping[type[StoryEvent], str] = {StoryReplyCreated: "replied", StoryReplyDeleted: "reply_deleted"}


class StoryEventLog:
    def __init__(self, tables: Tables, index: Index, replies: Replies, archive: Archive, publisher: Publisher) -> None:
        self._tables = tables
        self._archive = archive
        self._replies = replies
        self._index = index
        self._publisher = publisher

    async def commit(self, envelope: Envelope[StoryEvent]) -> None:
        """Produces an event, then applies it. Raises EventLogUnavailable, after which the event may be in the log, or
        another Unavailable, after which it is: the consumer applies the log."""
        await self._publisher.publish(envelope)
        kind = type(envelope.data)
        STORIES.labels(_WHAT.get(kind) or kind.type_.split(".")[-2]).inc()
        await failpoint(AFTER_PRODUCE)
        await self.apply(envelope)

    async def apply(self, envelope: Envelope[StoryEvent]) -> None:
        """Idempotent, and in any order: a deletion is final. Raises DatabaseUnavailable, StoriesUnavailable."""
        match envelope.data:
            case StoryPublished() as story:
                await self._tables.published(story, envelope.entityversion)
                await failpoint(AFTER_TABLES)
                await self._index.published(story)
            case StoryDeleted() as end:
                await self._tables.deleted(end.author_id, end.story_id)
                await self._archive.mark_deleted(end.author_id, end.story_id)
                await self._replies.remove_all(end.story_id)
                await failpoint(AFTER_TABLES)
                await self._index.deleted(end)
            case StoryViewed() as view:
                await self._index.viewed(view)
            case StoryReplyCreated() as one:
                reply = Reply(one.story_id, one.author_id, one.account_id, one.replied_at, one.text)
                await self._replies.add(reply, envelope.entityversion)
            case StoryReplyDeleted() as end:
                await self._replies.remove(end.story_id, ReplyPosition(end.replied_at, end.account_id))
            case StoryExpired():
                pass  # nobody could see it any more
