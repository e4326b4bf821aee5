"""The log of comments: an event is produced to Kafka first, then applied to the tables, then counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Protocol

from photomesh_post.comments.counting import CommentCounter
from photomesh_post.comments.dead_rows import may_be_removed
from photomesh_post.comments.domain import Comment, ThreadRow
from photomesh_post.comments.projection import CommentEvent, deleted_rows, rows_of
from photomesh_post.metrics import COMMENTS
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["CommentEventLog", "Store"]

log = logging.getLogger(__name__)

AFTER_PRODUCE = declare("comment.after_produce", "the event is in the log, the tables do not have it")
AFTER_ROWS = declare("comment.after_rows", "the comment is in the tables and not counted")


class Store(Protocol):
    """See `comments.store.CassandraComments`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def comment(self, comment_id: int) -> Comment | None: ...
    async def is_deleted(self, comment_id: int) -> bool: ...
    def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[ThreadRow, None]: ...


class CommentEventLog:
    def __init__(self, store: Store, counter: CommentCounter, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._counter = counter
        self._publisher = publisher
        self._clock = clock

    async def commit(self, envelope: Envelope[CommentEvent]) -> None:
        """Produces an event, then applies and counts it. Raises EventLogUnavailable, after which it may be in the log.

        Once an event is in the log the request has succeeded, and the consumer applies the log. So if the tables are
        unavailable now, the request does not fail: its client would only repeat it.
        """
        await self._publisher.publish(envelope)
        COMMENTS.labels(envelope.data.type_.split(".")[-2]).inc()
        await failpoint(AFTER_PRODUCE)
        try:
            await self._write_rows(envelope)
            await failpoint(AFTER_ROWS)
            await self._counter.count([envelope])
        except Unavailable as error:
            log.warning(
                "leaving the event of a comment to the consumer",
                extra={"event_id": envelope.id, "reason": str(error)},
            )

    async def apply(self, envelopes: Sequence[Envelope[CommentEvent]]) -> None:
        """Applies and counts events of one post, and deletes replies with their parents. Idempotent. Raises
        Unavailable."""
        await asyncio.gather(*(self._write_rows(envelope) for envelope in envelopes))
        await failpoint(AFTER_ROWS)
        await asyncio.gather(*(self._delete_with_parent(envelope.data) for envelope in envelopes))
        await self._counter.count(envelopes)

    async def _write_rows(self, envelope: Envelope[CommentEvent]) -> None:
        """Leaves out the row in the thread if it may have been removed since, because the comment is deleted."""
        rows, event = rows_of(envelope), envelope.data
        if (
            isinstance(event, CommentCreated)
            and may_be_removed(event.comment_id, self._clock.now())
            and await self._store.is_deleted(event.comment_id)
        ):
            rows = [row for row in rows if row.table != "comments_by_thread"]
        await self._store.write(rows)

    async def _delete_with_parent(self, event: CommentEvent) -> None:
        """Removes the texts of a deleted comment's replies, also of those that arrive after its deletion. Readers do
        not see them by then, because their parent is deleted."""
        if isinstance(event, CommentDeleted) and event.parent_id is None:
            async with aclosing(self._store.oldest_of(event.comment_id, after=0)) as replies:
                async for _, reply in replies:
                    if reply:
                        comment = Comment(reply.id, event.post_id, reply.author_id, event.comment_id)
                        await self._store.write(deleted_rows(comment))
        elif event.parent_id is not None:
            parent = await self._store.comment(event.parent_id)
            if parent and parent.deleted:
                comment = Comment(event.comment_id, event.post_id, event.account_id, event.parent_id)
                await self._store.write(deleted_rows(comment))
