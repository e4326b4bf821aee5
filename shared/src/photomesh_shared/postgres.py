"""PostgreSQL: the pool, and migrations from plain SQL files.

A service keeps its schema as `migrations/0001_what.sql`, `0002_….sql` …; `migrate` applies those that are new, each
in a transaction, under an advisory lock, so that several replicas may start at once. A file that has been applied is
never edited: its checksum is kept, and a changed one is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

__all__ = ["Migration", "migrate", "migrations_in", "open_pool"]

_MIGRATION_LOCK = 7_042_001


@dataclass(frozen=True)
class Migration:
    """One file of `migrations/`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_in(folder: Path, suffix: str = ".sql") -> list[Migration]:
    """The migrations of a folder, in order."""
    return [Migration(path.stem, path.read_text()) for path in sorted(folder.glob(f"*{suffix}"))]


def pending(migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """Those not yet in `applied` (name → checksum). Raises ValueError if an applied file was edited."""
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise ValueError(f"migration {migration.name} was changed after it had been applied; add a new one")
    return [migration for migration in migrations if migration.name not in applied]


async def migrate(dsn: str, folder: Path) -> list[str]:
    """Brings the schema up to date; returns the names of what was applied."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await connection.fetch("SELECT name, checksum FROM schema_migrations")
        new = pending(migrations_in(folder), {row["name"]: row["checksum"] for row in rows})
        for migration in new:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)",
                    migration.name,
                    migration.checksum,
                )
        return [migration.name for migration in new]
    finally:
        await connection.close()


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = 10) -> AsyncIterator[asyncpg.Pool[asyncpg.Record]]:
    """A pool whose statements are bounded in time: a query over 5 s is a fault, not a wait."""
    async with asyncpg.create_pool(dsn, min_size=2, max_size=size, timeout=5, command_timeout=5) as pool:
        yield pool
