"""The log of feedback: an event is produced to Kafka first, then applied to Redis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_explore.feedback.domain import Feedback
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, ExploreFeedbackGiven, ExploreFeedbackRemoved
from photomesh_shared.events.versions import next_version
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["FeedbackEvent", "FeedbackEventLog", "FeedbackStore"]

AFTER_PRODUCE = declare("explore.after_produce", "feedback is in the log, Redis does not have it")

FeedbackEvent = ExploreFeedbackGiven | ExploreFeedbackRemoved


class FeedbackStore(Protocol):
    """See `store.feedback.FeedbackStore`. Every method raises ExploreUnavailable."""

    async def given(self, account_id: int) -> tuple[Sequence[Feedback], int]:
        """Return what stands, the latest first, and the highest version of all that was said or taken back."""
        ...

    async def save(self, account_id: int, feedback: Feedback) -> None: ...
    async def remove(self, account_id: int, feedback_id: str, version: int) -> None: ...


class FeedbackEventLog:
    def __init__(self, store: FeedbackStore, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    def version_after(self, last: int) -> int:
        return next_version(last, self._clock.now())

    async def commit(self, event: FeedbackEvent, version: int) -> None:
        """Produces an event, then applies it. Raises Unavailable, after which the consumer may still apply it."""
        now = self._clock.now()
        envelope = Envelope.of(event, entityversion=version, id=f"{event.subject()}.{version}", time=now)
        await self._publisher.publish(envelope)
        await failpoint(AFTER_PRODUCE)
        await self.apply(envelope)

    async def apply(self, envelope: Envelope[FeedbackEvent]) -> None:
        """Idempotent, and in any order. Raises ExploreUnavailable."""
        event = envelope.data
        if isinstance(event, ExploreFeedbackRemoved):
            await self._store.remove(event.account_id, event.feedback_id, envelope.entityversion)
            return
        await self._store.save(
            event.account_id,
            Feedback(event.feedback_id, event.kind, envelope.entityversion, event.post_id, event.author_id, event.tags),
        )
