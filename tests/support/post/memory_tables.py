"""Cassandra in memory, as far as stores need it."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from photomesh_post.tables.rows import RowWrite
from photomesh_shared.errors import Unavailable

__all__ = ["MemoryStore", "MemoryTables", "applied", "shuffled"]

Item = TypeVar("Item")
Key = tuple[str, tuple[Any, ...]]


@dataclass
class MemoryTables:
    """Cells with timestamps, merged as Cassandra does: the newest wins, and of two equally new the larger value."""

    cells: defaultdict[Key, dict[str, tuple[int, Any]]] = field(default_factory=lambda: defaultdict(dict))
    unavailable: bool = False

    async def step(self) -> None:
        """Lets others run between any two statements. Raises Unavailable while the tables are."""
        if self.unavailable:
            raise Unavailable
        await asyncio.sleep(0)

    def row(self, table: str, **key: int) -> dict[str, Any] | None:
        cells = self.cells.get((table, tuple(key.values())))
        return None if cells is None else key | {name: value for name, (_, value) in cells.items()}

    async def write(self, rows: Sequence[RowWrite]) -> None:
        await self.step()
        self.merge(rows)

    def forget(self, **names: int | str) -> int:
        """Removes rows: `table`, and the beginning of their key. Nothing keeps an older row out."""
        table, *begins = names.values()
        gone = [one for one in self.cells if one[0] == table and one[1][: len(begins)] == tuple(begins)]
        for one in gone:
            del self.cells[one]
        return len(gone)

    def merge(self, rows: Sequence[RowWrite]) -> None:
        for row in rows:
            cells = self.cells[row.table, tuple(row.key.values())]
            for name, value in row.cells.items():
                if name not in cells or (row.timestamp, repr(value)) > (cells[name][0], repr(cells[name][1])):
                    cells[name] = (row.timestamp, value)


def applied(writes: Iterable[Sequence[RowWrite]]) -> MemoryTables:
    """The tables after these writes, in order."""
    tables = MemoryTables()
    for rows in writes:
        tables.merge(rows)
    return tables


def shuffled(items: Sequence[Item], seed: int) -> list[Item]:
    """All of them, some several times, in some order."""
    rng = random.Random(seed)
    mixed = [*items, *(rng.choice(items) for _ in range(rng.randrange(6)))]
    rng.shuffle(mixed)
    return mixed


@dataclass
class MemoryStore:
    """`on_step` is called before each statement: a test may let others in between, or end the process there."""

    unavailable: bool = False
    on_step: Callable[[str], None] = lambda step: None

    async def step(self, name: str) -> None:
        await asyncio.sleep(0)  # others run between any two statements
        if self.unavailable:
            raise Unavailable
        self.on_step(name)
