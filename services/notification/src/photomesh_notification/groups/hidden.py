"""Whose part in groups their recipient does not see, in Cassandra."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from photomesh_notification.groups.inserts import PARTITIONS_PER_BATCH
from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["HiddenActors"]

_FEW = 10
"""Actors of one recipient that share a statement with those of others: it asks for each recipient with each actor."""

Asked = tuple[int, frozenset[int]]


class HiddenActors:
    """Raises DatabaseUnavailable."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._together = BatchLoader(self._read, max_batch=PARTITIONS_PER_BATCH)

    async def among(self, account_id: int, actor_ids: Collection[int]) -> set[int]:
        """Whom of these the recipient blocks or mutes, and who blocks it."""
        if not actor_ids:
            return set()
        asked = account_id, frozenset(actor_ids)
        if len(actor_ids) > _FEW:
            return (await self._read([asked]))[asked]
        return await self._together.load(asked) or set()

    async def _read(self, asked: Sequence[Asked]) -> dict[Asked, set[int]]:
        rows = await self._session.execute(
            "SELECT account_id, other_id, blocks, blocked_by, mutes FROM notification_relations"
            " WHERE account_id IN ? AND other_id IN ?",
            sorted({account_id for account_id, _ in asked}),
            sorted(frozenset[int]().union(*(actor_ids for _, actor_ids in asked))),
        )
        hidden = {
            (row["account_id"], row["other_id"]) for row in rows if row["blocks"] or row["blocked_by"] or row["mutes"]
        }
        return {
            (account_id, actor_ids): {one for one in actor_ids if (account_id, one) in hidden}
            for account_id, actor_ids in asked
        }
