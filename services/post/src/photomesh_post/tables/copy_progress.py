"""How far the comparison of copies is, in Cassandra."""

from __future__ import annotations

from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraCopyProgress"]


class CassandraCopyProgress:
    """Implements `photomesh_shared.consumer.copies.Progress`. Every method raises DatabaseUnavailable."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def load(self, copy: str) -> str | None:
        rows = await self._session.execute("SELECT state FROM copy_passes WHERE copy = ?", copy)
        return rows[0]["state"] if rows else None

    async def swap(self, copy: str, before: str | None, after: str) -> bool:
        if before is None:
            cql = "INSERT INTO copy_passes (copy, state) VALUES (?, ?) IF NOT EXISTS"
            answer = await self._session.execute(cql, copy, after)
        else:
            cql = "UPDATE copy_passes SET state = ? WHERE copy = ? IF state = ?"
            answer = await self._session.execute(cql, after, copy, before)
        return bool(answer[0]["[applied]"])
