"""Pages of an account's records in PostgreSQL, for its export (`photomesh_shared.internal_api.export`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section
from photomesh_shared.stores.postgres import connection

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool

__all__ = ["PostgresRecords", "RecordQuery"]

_START = -1  # ids are from 0


@dataclass(frozen=True)
class RecordQuery:
    """How the records of a section are read.

    `sql` takes the account ($1), the position after which the page begins ($2), and the number of rows ($3). Rows are
    in the order of their column `position`, which is left out of the items. `ids`: prefixes of the columns that hold
    ids; `json`: columns with JSON as text; `hidden`: columns that are left out, of a query that selects all.
    """

    sql: str
    ids: Mapping[str, str] = field(default_factory=dict)
    json: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()


class PostgresRecords:
    def __init__(self, pool: Pool, queries: Mapping[str, RecordQuery]) -> None:
        self._pool = pool
        self._queries = queries

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Raises NotFound, InvalidCursor, or DatabaseUnavailable."""
        records = require_section(self._queries, query.section)
        after = _START if query.cursor is None else int_cursor(query.cursor)
        async with connection(self._pool) as conn:
            rows = await conn.fetch(records.sql, account_id, after, query.limit)
        items = []
        for row in rows:
            columns = {name: value for name, value in row.items() if name != "position" and name not in records.hidden}
            for name in records.json & columns.keys():
                columns[name] = json.loads(columns[name]) if columns[name] else None
            items.append(item_of(columns, records.ids))
        more = len(rows) >= query.limit
        return ExportPage(section=query.section, items=items, next_cursor=str(rows[-1]["position"]) if more else None)
