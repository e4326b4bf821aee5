"""Lets an endpoint that answers again catch up with what it has not got: the topics are its backlog."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.failpoints import declare, failpoint
from photomesh_webhook.catching_up.domain import Chunk, Cursor, Stored
from photomesh_webhook.matching.domain import Listener
from photomesh_webhook.sending.metrics import ROWS
from photomesh_webhook.sending.rows import Target

__all__ = ["CatchUpService", "Store", "Topics"]

AFTER_CHUNK = declare("webhook.after_chunk", "some of what an endpoint had missed became rows, others are to follow")

_CHUNK = 1_000
_PROBE = 10
"""Of an open circuit: something to send, and not more rows than it needs."""


class Store(Protocol):
    """See `store.PostgresCatchingUp`. Every method raises DatabaseUnavailable."""

    async def cursors(self, endpoint_id: int) -> list[Cursor]: ...
    async def listener(self, endpoint_id: int) -> Listener | None: ...
    async def store(self, endpoint_id: int, cursor: Cursor, chunk: Chunk, now: datetime) -> Stored:
        """Make rows of a chunk and move the cursor after it, unless the cursor has been moved meanwhile. Where it has
        reached the group's position, it goes; with the last one, the endpoint is live."""
        ...

    async def finish(self, endpoint_id: int) -> None:
        """Make an endpoint without cursors live."""
        ...


class Topics(Protocol):
    """See `clients.KafkaTopics`."""

    async def read(self, cursor: Cursor, listener: Listener, limit: int) -> Chunk:
        """The next events that the listener wants, about `limit` at most. Raises Unavailable."""
        ...


class CatchUpService:
    """Implements `sending.protocols.CatchUp`."""

    def __init__(self, store: Store, topics: Topics, clock: Clock, *, randomness: random.Random | None = None) -> None:
        self._store = store
        self._topics = topics
        self._clock = clock
        self._randomness = randomness or random.Random()  # noqa: S311 - no secret

    async def step(self, target: Target) -> bool:
        """Make rows of what one partition has for the endpoint. Returns whether there may be more to do at once: rows
        to send, or another chunk. Raises Unavailable."""
        cursors = await self._store.cursors(target.id)
        if not cursors:
            await self._store.finish(target.id)
            return True
        listener = await self._store.listener(target.id)
        if listener is None or listener.room <= 0:
            return False
        cursor = self._randomness.choice(cursors)  # no partition waits for another's end
        limit = _PROBE if target.health.is_open else min(_CHUNK, listener.room)
        chunk = await self._topics.read(cursor, listener, limit)
        stored = await self._store.store(target.id, cursor, chunk, self._clock.now())
        ROWS.labels("caught_up").inc(stored.rows)
        await failpoint(AFTER_CHUNK)
        return stored.ended or chunk.next_offset > cursor.next_offset
