"""Compares tables in memory with those of the store, row by row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from photomesh_post.rebuilding.memory import Cells, Key, MemoryTables, canonical
from photomesh_shared.ids import timestamp_of

__all__ = ["Difference", "TableReader", "compare"]

_KEYS = {
    "accounts": ("user_id",),
    "accounts_by_username": ("user_id", "username"),
    "collections": ("account_id", "collection_id"),
    "comments": ("comment_id",),
    "comments_by_account": ("account_id", "comment_id", "month"),
    "comments_by_thread": ("comment_id", "month", "thread_id"),
    "likes": ("account_id", "bucket", "subject_id"),
    "likes_by_account": ("account_id", "month", "subject_id"),
    "lists_by_post": ("bucket", "list_id", "post_id"),
    "months_by_author": ("author_id", "month"),
    "months_by_list": ("list_id", "month"),
    "months_by_thread": ("month", "thread_id"),
    "photo_metadata": ("photo_id",),
    "photos": ("photo_id",),
    "photos_by_owner": ("month", "owner_id", "photo_id"),
    "posts": ("post_id",),
    "posts_by_author": ("author_id", "month", "post_id"),
    "relations": ("account_id", "other_id"),
    "saves": ("list_id", "month", "post_id"),
    "saves_by_time": ("list_id", "month", "post_id", "version"),
    "usernames_by_account": ("user_id", "username"),
}
"""The tables that events write. Others hold counts (see `reconcile`), locks and claims."""
_HISTORY = frozenset(
    {
        "accounts_by_username",
        "lists_by_post",
        "months_by_author",
        "months_by_list",
        "months_by_thread",
        "saves_by_time",
        "usernames_by_account",
    }
)
"""Tables of positions and earlier names, which keep some whose things have ended; a rebuilt one has what is needed."""
_EVENTS = frozenset({"photos", "photos_by_owner", "photo_metadata"})
"""Made from topics that keep events for days: older rows cannot be rebuilt."""


_ENDS = {"deleted", "kept", "liked"}
_LIKES = frozenset({"likes", "likes_by_account"})


class TableReader(Protocol):
    def rows(self, table: str) -> AsyncIterator[Mapping[str, Any]]:
        """All rows. Raises DatabaseUnavailable."""
        ...


@dataclass(frozen=True)
class Difference:
    table: str
    key: Key
    rebuilt: Cells | None
    stored: Cells | None

    def __str__(self) -> str:
        """Name the columns and not their values, which may be personal."""
        key = ", ".join(f"{name}={value}" for name, value in self.key)
        if self.rebuilt is None or self.stored is None:
            return f"{self.table} ({key}): {'only in the store' if self.rebuilt is None else 'missing in the store'}"
        names = sorted(n for n in self.rebuilt.keys() | self.stored.keys() if self.rebuilt.get(n) != self.stored.get(n))
        return f"{self.table} ({key}): {', '.join(names)} differ"


async def compare(
    tables: MemoryTables, store: TableReader, *, since: datetime | None = None
) -> tuple[int, list[Difference]]:
    """Return the number of rows compared, and the differences. `since`: only events since then were replayed, so only
    rows about things that were created since then are compared: of others, earlier events are missing."""
    compared = 0
    found: list[Difference] = []
    if unknown := set(tables.tables()) - _KEYS.keys():
        raise ValueError(f"a projection writes {', '.join(unknown)}, which nothing compares")
    for table, key_names in _KEYS.items():
        rebuilt = {key: cells for key, cells in tables.rows(table) if _is_newer(key, since)}
        names = {name for cells in rebuilt.values() for name in cells} | _ENDS
        stored: dict[Key, Cells] = {}
        async for row in store.rows(table):
            key = tuple((name, row[name]) for name in key_names)
            stored[key] = {name: canonical(row.get(name)) for name in names}
        compared += len(rebuilt)
        found += _differences(table, rebuilt, stored, since)
    return compared, found


def _differences(
    table: str, rebuilt: Mapping[Key, Cells], stored: Mapping[Key, Cells], since: datetime | None
) -> Iterator[Difference]:
    for key, cells in rebuilt.items():
        ours, theirs = _present(table, cells), _present(table, stored.get(key))
        if ours is not None and table in _EVENTS and theirs is not None:
            theirs = {name: theirs[name] for name in theirs if name in ours}
        if ours != theirs:
            yield Difference(table, key, ours, theirs)
    if table not in _HISTORY | _EVENTS:
        for key in stored.keys() - rebuilt.keys():
            if (theirs := _present(table, stored[key])) is not None and _is_newer(key, since):
                yield Difference(table, key, None, theirs)


def _is_newer(key: Key, since: datetime | None) -> bool:
    """Whether everything in a key was created since then."""
    return since is None or all(timestamp_of(int(id_)) >= since for name, id_ in key if name.endswith("_id"))


def _present(table: str, cells: Cells | None) -> Cells | None:
    """Return the cells that have a value; None for a row whose thing has ended, which compaction may have removed."""
    if cells is None or cells.get("deleted"):
        return None
    if (table == "saves" and not cells.get("kept")) or (table in _LIKES and not cells.get("liked")):
        return None
    if table == "relations" and not any(cells.values()):
        return None
    if table == "relations":
        return {name: True for name, value in cells.items() if value}
    return {name: value for name, value in cells.items() if value is not None}
