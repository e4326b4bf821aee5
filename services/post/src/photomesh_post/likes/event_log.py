"""The log of likes: an event is produced to Kafka first, then written to its account's own row.

The consumer counts it."""

from __future__ import annotations

from typing import Protocol

from photomesh_post.likes.domain import Like, LikeEvent
from photomesh_post.metrics import LIKES
from photomesh_shared.events import Envelope
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["LikeEventLog", "Store"]

AFTER_PRODUCE = declare("like.after_produce", "the like is in the log, its account's own row does not have it")
AFTER_OWN = declare("like.after_own", "the like is in the log and in its account's own row, no response is sent")


class Store(Protocol):
    """See `likes.store.CassandraLikes`."""

    async def save_own_like(self, account_id: int, subject_id: int, like: Like) -> None: ...


class LikeEventLog:
    def __init__(self, store: Store, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher

    async def commit(self, envelope: Envelope[LikeEvent], subject_id: int, like: Like) -> None:
        """Produces the event of a like, then writes the own row. Raises EventLogUnavailable, after which the event may
        be in the log, or DatabaseUnavailable, after which it is."""
        await self._publisher.publish(envelope)
        LIKES.labels(envelope.data.type_.removeprefix("photomesh.").removesuffix(".v1")).inc()
        await failpoint(AFTER_PRODUCE)
        await self._store.save_own_like(envelope.data.account_id, subject_id, like)
        await failpoint(AFTER_OWN)
