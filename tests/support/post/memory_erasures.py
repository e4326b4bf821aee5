"""Pending erasures, and what has ended, in memory.

`tests/integration/post/erasures/test_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from photomesh_post.erasures.domain import Kind, Pending, shard_of
from tests.support.post.memory_tables import MemoryStore

__all__ = ["MemoryErasures"]


@dataclass
class MemoryErasures(MemoryStore):
    pending: dict[tuple[object, ...], Pending] = field(default_factory=dict)
    workers: dict[tuple[Kind, int], str] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    async def add(self, pending: Pending) -> None:
        await self.step("add")
        self.pending[pending.kind, pending.id, pending.since] = pending

    async def oldest(self, kind: Kind, shard: int, *, after: Pending | None = None, limit: int) -> list[Pending]:
        found = [one for one in self.pending.values() if one.kind is kind and shard_of(one.id) == shard]
        found = [one for one in found if after is None or (one.since, one.id) > (after.since, after.id)]
        return sorted(found, key=lambda one: (one.since, one.id))[:limit]

    async def remove(self, pending: Pending) -> None:
        await self.step("remove")
        self.pending.pop((pending.kind, pending.id, pending.since), None)

    async def claim(self, kind: Kind, shard: int, worker: str) -> bool:
        return self.workers.setdefault((kind, shard), worker) == worker

    async def release(self, kind: Kind, shard: int, worker: str) -> None:
        if self.workers.get((kind, shard)) == worker:
            del self.workers[kind, shard]

    async def mark_ended(self, id_: int) -> None:
        await self.step("mark_ended")
        self.ended.add(id_)

    async def ended_among(self, ids: Collection[int]) -> set[int]:
        await self.step("ended_among")
        return self.ended & set(ids)
