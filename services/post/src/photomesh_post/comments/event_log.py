"""The log of comments: what happened is written there first, then to the tables, then counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import Protocol
from weakref import WeakValueDictionary

from photomesh_post.comments.domain import Comment, CommentEvent, Entry, blank_rows, change_of, comment_rows
from photomesh_post.comments.tallies import Change, Tally
from photomesh_post.likes.event_handlers import Announcements
from photomesh_post.metrics import COMMENTS, TALLY_CONFLICTS
from photomesh_post.posts.projection import RowWrite, month_of
from photomesh_shared.backoff import Backoff
from photomesh_shared.batch_loader import BatchLoader
from photomesh_shared.clock import Clock
from photomesh_shared.errors import Unavailable
from photomesh_shared.events import CommentDeleted, Envelope
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["CommentCounting", "Commenting", "Store"]

log = logging.getLogger(__name__)

AFTER_PRODUCE = declare("comment.after_produce", "the event is in the log, the tables do not have it")
AFTER_ROWS = declare("comment.after_rows", "the comment is in the tables and not counted")
AFTER_TALLY = declare("comment.after_tally", "the comment is counted, the count that is shown is the old one")

_TOGETHER = 25  # changes in one transaction, of two rows each at most
_TRIES = 8
_BACKOFF = Backoff(base=0.005, cap=0.2)


class Store(Protocol):
    """What is asked of the store; see `comments_store.CassandraComments`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...
    async def comment(self, comment_id: int) -> Comment | None: ...
    def newest_of(self, thread_id: int, *, before: int) -> AsyncGenerator[Entry, None]: ...
    def oldest_of(self, thread_id: int, *, after: int) -> AsyncGenerator[Entry, None]: ...
    async def tally(self, post_id: int, month: int, comment_ids: Collection[int]) -> Tally: ...
    async def replace_tally(self, post_id: int, month: int, read: Tally, counted: Tally) -> bool: ...
    async def show_tally(self, post_id: int, month: int, tally: Tally) -> None: ...


class Commenting:
    """Writes events of comments, and makes of them what is read."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._counters: WeakValueDictionary[tuple[int, int], BatchLoader[Change, None]] = WeakValueDictionary()

    async def commit(self, envelope: Envelope[CommentEvent]) -> None:
        """Makes an event happen: in the log, in the tables, in the counts. Raises EventLogUnavailable, after
        which it may have happened.

        Once it is in the log it has happened, and the consumer applies the log; so if the tables are away now, that is
        no failure of the request, which would only be repeated.
        """
        await self._publisher.publish(envelope)
        COMMENTS.labels(envelope.data.type_.split(".")[-2]).inc()
        await failpoint(AFTER_PRODUCE)
        try:
            await self._store.write(comment_rows(envelope))
            await failpoint(AFTER_ROWS)
            await self._count([envelope])
        except Unavailable as error:
            log.warning(
                "an event of a comment is left to the consumer", extra={"event_id": envelope.id, "reason": str(error)}
            )

    async def fold(self, envelopes: Sequence[Envelope[CommentEvent]]) -> None:
        """All that `commit` did with events of one post, once more, and what else follows from a deletion. Raises
        DatabaseUnavailable."""
        await asyncio.gather(*(self._store.write(comment_rows(envelope)) for envelope in envelopes))
        await failpoint(AFTER_ROWS)
        await asyncio.gather(*(self._delete_with_parent(envelope.data) for envelope in envelopes))
        await self._count(envelopes)

    async def _delete_with_parent(self, event: CommentEvent) -> None:
        """Replies go with their comment, those too that come after its deletion. They are hidden at once, because
        their comment is; here their words are removed."""
        if isinstance(event, CommentDeleted) and event.parent_id is None:
            async with aclosing(self._store.oldest_of(event.comment_id, after=0)) as replies:
                async for reply in replies:
                    await self._store.write(
                        blank_rows(Comment(reply.id, event.post_id, reply.author_id, event.comment_id))
                    )
        elif event.parent_id is not None:
            parent = await self._store.comment(event.parent_id)
            if parent and parent.deleted:
                await self._store.write(
                    blank_rows(Comment(event.comment_id, event.post_id, event.account_id, event.parent_id))
                )

    async def _count(self, envelopes: Sequence[Envelope[CommentEvent]]) -> None:
        """Whoever counts in one partition at the same time does it together: one transaction at a time, or they would
        only be in each other's way."""
        changes = [(envelope.data.post_id, change_of(envelope.data)) for envelope in envelopes]
        await asyncio.gather(
            *(self._counter(post_id, month_of(change.root_id)).load(change) for post_id, change in changes)
        )

    def _counter(self, post_id: int, month: int) -> BatchLoader[Change, None]:
        """Of one partition, as long as somebody counts in it."""
        counter = self._counters.get((post_id, month))
        if counter is None:
            counter = BatchLoader(partial(self._tally, post_id, month), max_batch=_TOGETHER, concurrency=1)
            self._counters[post_id, month] = counter
        return counter

    async def _tally(self, post_id: int, month: int, changes: Sequence[Change]) -> Mapping[Change, None]:
        """Counts changes in one partition, and shows the count even if nothing is new: the count may be written and
        not shown since a crash."""
        comment_ids = {comment_id for change in changes for comment_id in (change.comment_id, change.root_id)}
        for pause in islice(_BACKOFF.delays(), _TRIES):
            read = await self._store.tally(post_id, month, comment_ids)
            counted = read.after(changes)
            if counted is read or await self._store.replace_tally(post_id, month, read, counted):
                await failpoint(AFTER_TALLY)
                await self._store.show_tally(post_id, month, counted)
                return {}
            TALLY_CONFLICTS.inc()
            await self._clock.sleep(pause)
        raise Unavailable("Others are counting this post's comments.")


class CommentCounting:
    """What the consumer does with comments."""

    def __init__(self, commenting: Commenting, announcements: Announcements) -> None:
        self._commenting = commenting
        self._announcements = announcements

    async def comments(self, envelopes: Sequence[Envelope[CommentEvent]]) -> None:
        """A batch of events of comments of one post. Raises DatabaseUnavailable."""
        await self._commenting.fold(envelopes)
        for event in {envelope.data.post_id: envelope.data for envelope in envelopes}.values():
            self._announcements.changed(event.post_id, event.post_author_id)
