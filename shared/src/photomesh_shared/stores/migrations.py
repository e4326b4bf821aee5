"""Migrations in plain files: `migrations/0001_what.sql` (or `.cql`), `0002_….sql`, … in order.

Applied files must not be edited: their checksums are stored, and a mismatch is an error.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["Migration", "folder_of", "migrations_in", "pending", "run_migrations"]


@dataclass(frozen=True)
class Migration:
    """One file of `migrations/`."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def folder_of(package: str) -> Path:
    """Return the folder of a service's migrations: inside the installed package (wheels include it), or beside `src/`
    in a checkout."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"no package {package}")
    home = Path(spec.origin).parent
    for folder in (home / "migrations", home.parent.parent / "migrations"):
        if folder.is_dir():
            return folder
    raise LookupError(f"{package} has no migrations")


def migrations_in(folder: Path, suffix: str = ".sql") -> list[Migration]:
    """Return the migrations of a folder, in order."""
    return [Migration(path.stem, path.read_text()) for path in sorted(folder.glob(f"*{suffix}"))]


def pending(migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """Return the migrations not in `applied` (name → checksum). Raises ValueError if an applied file was edited."""
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise ValueError(f"migration {migration.name} was changed after it had been applied; add a new one")
    return [migration for migration in migrations if migration.name not in applied]


def run_migrations(package: str, migrate: Callable[[Path], Awaitable[list[str]]]) -> None:
    """Run a service's `migrate` program: apply pending migrations and print their names. Idempotent.

    `migrate` is that of `postgres` or `cassandra`, with the database already bound.
    """

    async def run() -> list[str]:
        return await migrate(folder_of(package))

    applied = asyncio.run(run())
    print("applied: " + ", ".join(applied) if applied else "the schema is up to date")
