"""Consumer use cases: comments are applied and counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.comments.projection import CommentEvent
from photomesh_post.counts.publisher import CountPublisher
from photomesh_post.erasures.domain import Kind, Pending
from photomesh_shared.events import CommentDeleted, Envelope

__all__ = ["CommentEventHandlers", "Ended"]


class Ended(Protocol):
    """See `erasures.store.CassandraErasures`."""

    async def mark_ended(self, id_: int) -> None: ...
    async def add(self, pending: Pending) -> None: ...


class CommentEventHandlers:
    def __init__(self, log: CommentEventLog, publisher: CountPublisher, ended: Ended) -> None:
        self._log = log
        self._ended = ended
        self._publisher = publisher

    async def comments_changed(self, envelopes: Sequence[Envelope[CommentEvent]]) -> None:
        """Handles a batch of events of one post. Idempotent. Raises Unavailable."""
        await self._log.apply(envelopes)
        for envelope in envelopes:
            if isinstance(envelope.data, CommentDeleted):
                await self._ended.mark_ended(envelope.data.comment_id)
                await self._ended.add(Pending(Kind.COMMENT, envelope.data.comment_id, envelope.time))
        for event in {envelope.data.post_id: envelope.data for envelope in envelopes}.values():
            self._publisher.mark_changed(event.post_id, event.post_author_id)
