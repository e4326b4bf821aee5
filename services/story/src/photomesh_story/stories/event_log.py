"""The log of stories: an event is produced to Kafka first, then applied to Cassandra and Redis."""

from __future__ import annotations

from photomesh_shared.events import Envelope, StoryDeleted, StoryExpired, StoryPublished, StoryViewed
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher
from photomesh_story.metrics import STORIES
from photomesh_story.stories.protocols import Index, Tables

__all__ = ["StoryEvent", "StoryEventLog"]

AFTER_PRODUCE = declare("story.after_produce", "the event is in the log, the stores do not have it")
AFTER_TABLES = declare("story.after_tables", "the event is in the log and in Cassandra, Redis does not have it")

StoryEvent = StoryPublished | StoryDeleted | StoryExpired | StoryViewed


class StoryEventLog:
    def __init__(self, tables: Tables, index: Index, publisher: Publisher) -> None:
        self._tables = tables
        self._index = index
        self._publisher = publisher

    async def commit(self, envelope: Envelope[StoryEvent]) -> None:
        """Produces an event, then applies it. Raises EventLogUnavailable, after which the event may be in the log, or
        another Unavailable, after which it is: the consumer applies the log."""
        await self._publisher.publish(envelope)
        STORIES.labels(envelope.data.type_.split(".")[-2]).inc()
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
                await failpoint(AFTER_TABLES)
                await self._index.deleted(end)
            case StoryViewed() as view:
                await self._index.viewed(view)
            case StoryExpired():
                pass  # nobody could see it any more
