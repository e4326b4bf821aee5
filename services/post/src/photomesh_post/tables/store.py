"""Writes rows to Cassandra."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from photomesh_post.tables.rows import RowWrite
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["write_rows"]


async def write_rows(session: CassandraSession, rows: Iterable[RowWrite]) -> None:
    """Idempotent: each cell keeps its newest value. Raises DatabaseUnavailable."""
    await asyncio.gather(*(_write(session, row) for row in rows))


async def _write(session: CassandraSession, row: RowWrite) -> None:
    cells = {**row.key, **row.cells}
    names, marks = ", ".join(cells), ", ".join("?" * len(cells))
    # The names come from projections, never from a request.
    cql = f"INSERT INTO {row.table} ({names}) VALUES ({marks}) USING TIMESTAMP ?"  # noqa: S608
    await session.execute(cql, *cells.values(), row.timestamp)
