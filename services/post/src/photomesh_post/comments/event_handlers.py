"""Consumer use cases: comments are applied and counted."""

from __future__ import annotations

from collections.abc import Sequence

from photomesh_post.comments.event_log import CommentEventLog
from photomesh_post.comments.projection import CommentEvent
from photomesh_post.counts.publisher import CountPublisher
from photomesh_shared.events import Envelope

__all__ = ["CommentEventHandlers"]


class CommentEventHandlers:
    def __init__(self, log: CommentEventLog, publisher: CountPublisher) -> None:
        self._log = log
        self._publisher = publisher

    async def comments_changed(self, envelopes: Sequence[Envelope[CommentEvent]]) -> None:
        """Handles a batch of events of one post. Idempotent. Raises Unavailable."""
        await self._log.apply(envelopes)
        for event in {envelope.data.post_id: envelope.data for envelope in envelopes}.values():
            self._publisher.mark_changed(event.post_id, event.post_author_id)
