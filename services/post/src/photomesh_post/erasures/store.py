"""Pending erasures, and what has ended, in Cassandra."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from photomesh_post.erasures.domain import Kind, Pending, shard_of
from photomesh_post.tables.rows import utc
from photomesh_post.tables.store import PARTITIONS_PER_STATEMENT, read_by_id
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraErasures"]

_FEW = 10
_WORKER_SECONDS = 15  # a crashed worker's shard is free again after that


class CassandraErasures:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._ended = BatchLoader(self._read_ended, max_batch=PARTITIONS_PER_STATEMENT)

    async def add(self, pending: Pending) -> None:
        """Idempotent."""
        await self._session.execute(
            "INSERT INTO pending_erasures (kind, shard, since, id, details) VALUES (?, ?, ?, ?, ?)",
            str(pending.kind),
            shard_of(pending.id),
            pending.since,
            pending.id,
            pending.details,
        )

    async def oldest(self, kind: Kind, shard: int, *, after: Pending | None = None, limit: int) -> list[Pending]:
        """The first of a shard's erasures after this one."""
        cql = "SELECT since, id, details FROM pending_erasures WHERE kind = ? AND shard = ?"
        values: list[object] = [str(kind), shard]
        if after is not None:
            cql += " AND (since, id) > (?, ?)"
            values += [after.since, after.id]
        rows = await self._session.execute(f"{cql} LIMIT ?", *values, limit)
        return [Pending(kind, row["id"], _time(row["since"]), row["details"] or "") for row in rows]

    async def remove(self, pending: Pending) -> None:
        """Removes what is done. Idempotent."""
        await self._session.execute(
            "DELETE FROM pending_erasures WHERE kind = ? AND shard = ? AND since = ? AND id = ?",
            str(pending.kind),
            shard_of(pending.id),
            pending.since,
            pending.id,
        )

    async def claim(self, kind: Kind, shard: int, worker: str) -> bool:
        """Makes this worker the shard's only one for 15 seconds, unless another is."""
        answer = await self._session.execute(
            "INSERT INTO erasure_workers (kind, shard, worker) VALUES (?, ?, ?) IF NOT EXISTS USING TTL ?",
            str(kind),
            shard,
            worker,
            _WORKER_SECONDS,
        )
        return bool(answer[0]["[applied]"]) or await self._renew(kind, shard, worker)

    async def _renew(self, kind: Kind, shard: int, worker: str) -> bool:
        answer = await self._session.execute(
            "UPDATE erasure_workers USING TTL ? SET worker = ? WHERE kind = ? AND shard = ? IF worker = ?",
            _WORKER_SECONDS,
            worker,
            str(kind),
            shard,
            worker,
        )
        return bool(answer[0]["[applied]"])

    async def release(self, kind: Kind, shard: int, worker: str) -> None:
        await self._session.execute(
            "DELETE FROM erasure_workers WHERE kind = ? AND shard = ? IF worker = ?", str(kind), shard, worker
        )

    async def mark_ended(self, id_: int) -> None:
        """Marks a post or an account as gone for good. Idempotent."""
        await self._session.execute("INSERT INTO ended (id) VALUES (?)", id_)

    async def ended_among(self, ids: Collection[int]) -> set[int]:
        asked = frozenset(ids)
        if len(asked) > _FEW:
            return set((await self._read_ended([asked]))[asked])
        return set(await self._ended.load(asked) or ())

    async def _read_ended(self, asked: Sequence[frozenset[int]]) -> dict[frozenset[int], frozenset[int]]:
        """Of several callers at the same time, which have few ids each."""
        rows = await read_by_id(self._session, "SELECT id FROM ended WHERE id IN ?", sorted(frozenset().union(*asked)))
        ended = {row["id"] for row in rows}
        return {ids: ids & ended for ids in asked}


def _time(value: datetime) -> datetime:
    time = utc(value)
    assert time is not None
    return time
