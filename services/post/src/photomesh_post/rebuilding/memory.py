"""The tables in memory: the newest value of each cell, as Cassandra keeps it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from photomesh_post.saves import domain
from photomesh_post.saves.domain import ListTally, Membership
from photomesh_post.saves.projection import collection_of, membership_of
from photomesh_post.tables.rows import RowWrite, month_of, utc

__all__ = ["Cells", "Key", "MemorySaves", "MemoryTables", "canonical"]

Key = tuple[tuple[str, int | str], ...]
Cells = dict[str, Any]


def canonical(value: object) -> object:
    """Return a value in the form in which the driver's and a projection's are equal; None for an empty one."""
    if isinstance(value, datetime):
        time = utc(value)
        assert time is not None
        return int(time.timestamp() * 1000)  # Cassandra's precision
    if isinstance(value, Mapping):
        return dict(sorted(value.items())) or None
    if isinstance(value, list | tuple | set):
        return list(value) or None
    return None if value == "" else value


class MemoryTables:
    """Rows written in any order: the cell with the highest timestamp stays; of equal ones, the larger value."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[Key, dict[str, tuple[int, Any]]]] = defaultdict(lambda: defaultdict(dict))

    def write(self, rows: Sequence[RowWrite]) -> None:
        for row in rows:
            cells = self._rows[row.table][tuple(sorted(row.key.items()))]
            for name, value in row.cells.items():
                new, old = (row.timestamp, canonical(value)), cells.get(name)
                if old is None or new[0] > old[0] or (new[0] == old[0] and repr(new[1]) > repr(old[1])):
                    cells[name] = new

    def drop(self, is_gone: Callable[[str, Cells], bool]) -> None:
        """Remove rows, by their table and their key with their cells."""
        for table, rows in self._rows.items():
            for key in [key for key in rows if is_gone(table, self.row(table, **dict(key)))]:
                del rows[key]

    def tables(self) -> list[str]:
        return sorted(self._rows)

    def rows(self, table: str) -> Iterator[tuple[Key, Cells]]:
        for key, cells in self._rows[table].items():
            yield key, {name: value for name, (_, value) in cells.items()}

    def row(self, table: str, **key: Any) -> Cells:
        """Return a row with its key, as the driver would; only the key if there is none."""
        cells = self._rows[table].get(tuple(sorted(key.items())), {})
        return {**key, **{name: value for name, (_, value) in cells.items()}}


class MemorySaves:
    """Implements `saves.event_log.Store` on tables in memory. Counts are not kept: `reconcile` compares those."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables
        self._collections: defaultdict[int, set[int]] = defaultdict(set)

    async def write(self, rows: Sequence[RowWrite]) -> None:
        self._tables.write(rows)
        for row in rows:
            if row.table == "collections":
                self._collections[row.key["account_id"]].add(row.key["collection_id"])

    async def memberships(self, list_id: int, post_ids: Collection[int]) -> Mapping[int, Membership]:
        return {post_id: self._membership(list_id, post_id) for post_id in post_ids}

    async def memberships_of_post(self, list_ids: Collection[int], post_id: int) -> Mapping[int, Membership]:
        found = {list_id: self._membership(list_id, post_id) for list_id in list_ids}
        return {list_id: membership for list_id, membership in found.items() if membership.version}

    async def collections(self, account_id: int) -> Sequence[domain.Collection]:
        ids = self._collections[account_id]
        rows = [self._tables.row("collections", account_id=account_id, collection_id=id_) for id_ in ids]
        return [collection for row in rows if (collection := collection_of(row))]

    async def tally(self, collection_id: int, post_id: int) -> ListTally:
        return ListTally()

    async def replace_tally(self, collection_id: int, post_id: int, read: ListTally, counted: ListTally) -> bool:
        return True

    async def publish_count(self, account_id: int, collection_id: int, post_id: int, tally: ListTally) -> None:
        return None

    def _membership(self, list_id: int, post_id: int) -> Membership:
        return membership_of(self._tables.row("saves", list_id=list_id, month=month_of(post_id), post_id=post_id))
