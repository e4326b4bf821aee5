"""The log of posts: an event is produced to Kafka first, then applied to the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.metrics import POSTS
from photomesh_post.posts.projection import PostEvent, rows_of
from photomesh_post.tables.rows import RowWrite, month_of
from photomesh_shared.events import Envelope, PostDeleted, PostEdited, PostPublished
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["PostEventLog", "Store", "Turn"]

AFTER_PRODUCE = declare("post.after_produce", "the event is in the log, the tables do not have it")
AFTER_APPLY = declare("post.after_apply", "the event is in the log and in the tables, no response is sent")


class Store(Protocol):
    """See `posts.store.CassandraPosts`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def count_month(self, author_id: int, month: int) -> int: ...


class Turn(Protocol):
    """See `posts.store.CassandraTurn`."""

    async def check(self) -> None: ...


class PostEventLog:
    def __init__(self, store: Store, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher

    async def commit(self, envelope: Envelope[PostEvent], turn: Turn | None = None) -> None:
        """Produces an event, then applies it. `turn` is the writer's, and is checked first: it may have ended while the
        process was stopped or the event loop stalled. The first event of a post needs none.

        Raises Unavailable if the turn has ended or could not be checked, EventLogUnavailable, after which the event may
        be in the log, or DatabaseUnavailable, after which it is: the consumer applies the log.
        """
        if turn is not None:
            await turn.check()
        await self._publisher.publish(envelope)
        POSTS.labels(envelope.data.type_.split(".")[-2]).inc()
        await failpoint(AFTER_PRODUCE)
        await self.apply(envelope)
        await failpoint(AFTER_APPLY)

    async def apply(self, envelope: Envelope[PostEvent]) -> None:
        """Writes an event's rows, and counts the author's month where a post may have been published or deleted.
        Idempotent. Raises DatabaseUnavailable."""
        await self._store.write(rows_of(envelope))
        event = envelope.data
        if isinstance(event, PostPublished | PostDeleted) or (isinstance(event, PostEdited) and event.published_at):
            await self._store.count_month(event.author_id, month_of(event.post_id))
