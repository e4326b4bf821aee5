"""Cursors of endpoints, in PostgreSQL.

Who makes rows of an event follows from `endpoints.behind`, which only changes under the endpoint's row lock. Live: the
consumer, under that lock. Behind: this module, up to the group's position, which it reads under that lock: whatever the
consumer has stored by then it has seen as missed, and what it stores later it stores as the endpoint then is.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from photomesh_shared.stores.postgres import connection, transaction
from photomesh_webhook.catching_up.domain import Chunk, Cursor, Stored
from photomesh_webhook.matching.domain import MAX_OF_LANE, MAX_ROWS, Listener
from photomesh_webhook.matching.store import LISTENER, insert_rows, listener_of, without_erased

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Connection, Pool

__all__ = ["PostgresCatchingUp"]

_LOCK = "SELECT FROM endpoints WHERE id = $1 FOR NO KEY UPDATE"
_CURSORS = "SELECT topic, partition, next_offset FROM cursors WHERE endpoint_id = $1"
_MOVE = (
    "UPDATE cursors SET next_offset = $4 WHERE endpoint_id = $1 AND topic = $2 AND partition = $3 AND next_offset = $5"
)
_END = (
    "DELETE FROM cursors AS c WHERE endpoint_id = $1 AND topic = $2 AND partition = $3 AND next_offset >="
    " coalesce((SELECT next_offset FROM positions WHERE topic = $2 AND partition = $3), 0)"
)
_LIVE = (
    "UPDATE endpoints SET behind = false WHERE id = $1 AND behind AND NOT EXISTS"
    " (SELECT FROM cursors WHERE endpoint_id = $1)"
)
_GAP = "UPDATE endpoints SET gap = true WHERE id = $1 AND NOT gap"


class PostgresCatchingUp:
    """Implements `service.Store`. Every method raises DatabaseUnavailable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def cursors(self, endpoint_id: int) -> list[Cursor]:
        async with connection(self._pool) as db:
            return [Cursor(*row) for row in await db.fetch(_CURSORS, endpoint_id)]

    async def listener(self, endpoint_id: int) -> Listener | None:
        """The endpoint, with room for rows; None if it was deleted."""
        async with connection(self._pool) as db:
            return await self._listener(db, endpoint_id)

    async def store(self, endpoint_id: int, cursor: Cursor, chunk: Chunk, now: datetime) -> Stored:
        async with transaction(self._pool) as tx:
            await tx.execute(_LOCK, endpoint_id)
            place = (endpoint_id, cursor.topic, cursor.partition)
            moved = await tx.execute(_MOVE, *place, chunk.next_offset, cursor.next_offset)
            listener = await self._listener(tx, endpoint_id)
            if listener is None or not moved.endswith(" 1"):
                return Stored(0, ended=False)
            events = await without_erased(tx, chunk.events)
            if events:
                await insert_rows(tx, listener, events, now)
            if chunk.gap:
                await tx.execute(_GAP, endpoint_id)
            ended = (await tx.execute(_END, *place)).endswith(" 1")
            await tx.execute(_LIVE, endpoint_id)
            return Stored(len(events), ended)

    async def finish(self, endpoint_id: int) -> None:
        async with transaction(self._pool) as tx:
            await tx.execute(_LOCK, endpoint_id)
            await tx.execute(_LIVE, endpoint_id)

    async def _listener(self, db: Connection, endpoint_id: int) -> Listener | None:
        row = await db.fetchrow(f"{LISTENER} WHERE e.id = $1", endpoint_id, MAX_OF_LANE, MAX_ROWS)
        return listener_of(row) if row else None
