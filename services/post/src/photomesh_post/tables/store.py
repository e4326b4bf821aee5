"""Writes rows to Cassandra."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from itertools import chain

from photomesh_post.tables.rows import Row, RowWrite, months_between
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["PARTITIONS_PER_STATEMENT", "read_by_id", "rows_by_month", "write_batch", "write_rows"]

PARTITIONS_PER_STATEMENT = 10
"""Of what is read or written for several callers at the same time. With more in a batch, Cassandra warns."""

_ROWS_PER_READ = 100


async def write_rows(session: CassandraSession, rows: Iterable[RowWrite]) -> None:
    """Idempotent: each cell keeps its newest value. Raises DatabaseUnavailable."""
    await asyncio.gather(*(_write(session, row) for row in rows))


async def read_by_id(session: CassandraSession, cql: str, ids: Sequence[int]) -> list[Row]:
    """The rows of `cql`, which ends with `IN ?`. The driver sends a statement about one id to a replica that has it.
    Raises DatabaseUnavailable."""
    if len(ids) == 1:
        return list(await session.execute(f"{cql.removesuffix('IN ?')}= ?", *ids))
    return list(await session.execute(cql, list(ids)))


async def write_batch(session: CassandraSession, cql: str, rows: Sequence[Sequence[object]]) -> None:
    """Writes rows by one statement; of one row, by `cql` alone. Not a transaction. Raises DatabaseUnavailable."""
    batch = f"BEGIN UNLOGGED BATCH {'; '.join([cql] * len(rows))}; APPLY BATCH"
    await session.execute(cql if len(rows) == 1 else batch, *chain.from_iterable(rows))


async def rows_by_month(
    session: CassandraSession, cql: str, account_id: int, name: str, *, after: int, until: int, since: int = 0
) -> AsyncGenerator[Row, None]:
    """The rows of an account's monthly partitions with larger ids than `after`, up to `until`, by id, as long as the
    caller takes them.

    `name` is the column of these ids; `since` is the id from whose month on there can be any. The parameters of `cql`
    are the account, the month, the id after which a page begins, and the page's size. Raises DatabaseUnavailable.

    Also tries months in which there is nothing: too dear for a page that people wait for, and good enough where one
    caller reads all."""
    last = after
    for month in months_between(max(after, since), until):
        while True:
            rows = await session.execute(cql, account_id, month, last, _ROWS_PER_READ)
            for row in rows:
                last = row[name]
                if last > until:
                    return
                yield row
            if len(rows) < _ROWS_PER_READ:
                break


async def _write(session: CassandraSession, row: RowWrite) -> None:
    cells = {**row.key, **row.cells}
    names, marks = ", ".join(cells), ", ".join("?" * len(cells))
    # The names come from projections, never from a request.
    cql = f"INSERT INTO {row.table} ({names}) VALUES ({marks}) USING TIMESTAMP ?"  # noqa: S608
    await session.execute(cql, *cells.values(), row.timestamp)
