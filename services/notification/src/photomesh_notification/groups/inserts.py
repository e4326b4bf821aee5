"""Rows that are written at the same time share statements, which cost more than rows do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import chain

from photomesh_shared.concurrency.batch_loader import BatchLoader
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = [
    "INSERT_GROUP",
    "INSERT_MEMBER",
    "INSERT_STATE",
    "INSERT_SUBJECT",
    "PARTITIONS_PER_BATCH",
    "Inserts",
]

PARTITIONS_PER_BATCH = 10  # with more, Cassandra warns
_GROUPS_PER_BATCH = 4  # of a kilobyte at most: it warns of five
Row = tuple[object, ...]
INSERT_GROUP = (
    "INSERT INTO notification_groups (account_id, group_id, kind, post_id, comment_id, photo_id, webhook_id, story_id,"
    " count, capped, actors, recent, first_at, changed_at, version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " USING TIMESTAMP ? AND TTL ?"
)
INSERT_MEMBER = (
    "INSERT INTO notification_members (account_id, group_id, actor_id, at, active, version)"
    " VALUES (?, ?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?"
)
INSERT_STATE = (
    "INSERT INTO notification_states (actor_id, shard, account_id, kind, object_id, group_id, active, version)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?"
)
INSERT_SUBJECT = "INSERT INTO notification_subjects (subject_id, account_id, group_id) VALUES (?, ?, ?) USING TTL ?"


class Inserts:
    """Raises DatabaseUnavailable."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._alone = {
            insert: BatchLoader(partial(self._write, insert), max_batch=most)
            for insert, most in (
                (INSERT_GROUP, _GROUPS_PER_BATCH),
                (INSERT_MEMBER, PARTITIONS_PER_BATCH),
                (INSERT_STATE, PARTITIONS_PER_BATCH),
                (INSERT_SUBJECT, PARTITIONS_PER_BATCH),
            )
        }

    async def save(self, insert: str, rows: Sequence[Row], *, at_once: int = 1) -> None:
        """Each row is written or not by itself. One that is alone is written together with those of other callers."""
        if len(rows) == 1:
            await self._alone[insert].load(rows[0])
            return
        for start in range(0, len(rows), at_once):
            await self._write(insert, rows[start : start + at_once])

    async def _write(self, insert: str, rows: Sequence[Row]) -> Mapping[Row, None]:
        batch = f"BEGIN UNLOGGED BATCH {'; '.join([insert] * len(rows))}; APPLY BATCH"
        await self._session.execute(insert if len(rows) == 1 else batch, *chain.from_iterable(rows))
        return {}
