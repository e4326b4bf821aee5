"""PostgreSQL: the pool, and migrations from plain SQL files.

`migrate` applies the files of a service's `migrations/` that are new, each in a transaction, under an advisory lock,
so that several replicas may start at once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg

from photomesh_shared.migrations import migrations_in, pending

__all__ = ["migrate", "open_pool"]

_MIGRATION_LOCK = 7_042_001


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
