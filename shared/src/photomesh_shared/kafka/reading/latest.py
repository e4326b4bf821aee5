"""What a compacted topic says last about each key: for commands that compare it with a store.

Kept in a temporary file, so that memory does not grow with the topic.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, Self

__all__ = ["Latest", "LatestRecords"]

_BATCH = 10_000


class Latest(NamedTuple):
    """The highest version of a key, and whether the thing has ended with it."""

    version: int
    ended: bool


class LatestRecords:
    """Use `open()`. Records may come in any order: those of before the topic got more partitions are elsewhere."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._added: list[tuple[bytes, int, bool]] = []
        self._marked: list[tuple[str, bytes]] = []
        database.execute(
            "CREATE TABLE latest (key BLOB PRIMARY KEY, version INTEGER, ended INTEGER, stored TEXT DEFAULT 'absent')"
            " WITHOUT ROWID"
        )

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[Self]:
        with tempfile.NamedTemporaryFile(prefix="latest-records-") as file:
            database = sqlite3.connect(file.name, isolation_level=None)
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            try:
                yield cls(database)
            finally:
                database.close()

    def add(self, key: bytes, version: int, *, ended: bool) -> None:
        self._added.append((key, version, ended))
        if len(self._added) >= _BATCH:
            self._write()

    def get(self, key: bytes) -> Latest | None:
        self._write()
        row = self._database.execute("SELECT version, ended FROM latest WHERE key = ?", (key,)).fetchone()
        return Latest(row[0], bool(row[1])) if row else None

    def mark_current(self, key: bytes) -> None:
        """The store has what the topic says of the key, or something newer."""
        self._mark("current", key)

    def mark_older(self, key: bytes) -> None:
        """The store has something older than the topic."""
        self._mark("older", key)

    def store_lacks(self, key: bytes, version: int) -> bool:
        """Whether this is the latest record of a key, and the store does not have it. A store that knows nothing of a
        key does not lack its end."""
        self._write()
        row = self._database.execute("SELECT version, ended, stored FROM latest WHERE key = ?", (key,)).fetchone()
        return row is not None and row[0] == version and (row[2] == "older" or (row[2] == "absent" and not row[1]))

    def _mark(self, stored: str, key: bytes) -> None:
        self._marked.append((stored, key))
        if len(self._marked) >= _BATCH:
            self._write()

    def _write(self) -> None:
        if not self._added and not self._marked:
            return
        self._database.execute("BEGIN")
        self._database.executemany(
            "INSERT INTO latest (key, version, ended) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE"
            " SET version = excluded.version, ended = excluded.ended WHERE excluded.version > version"
            " OR (excluded.version = version AND excluded.ended > ended)",
            self._added,
        )
        self._database.executemany("UPDATE latest SET stored = ? WHERE key = ?", self._marked)
        self._database.execute("COMMIT")
        self._added.clear()
        self._marked.clear()
