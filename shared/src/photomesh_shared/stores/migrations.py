"""Migrations as plain files: `migrations/0001_what.sql` (or `.cql`), `0002_….sql`, … in order.

An applied file is never edited: its checksum is stored, and a changed one is an error.
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
    """Where a service's migrations are: inside the installed package (a wheel carries them along), or beside `src/`
    in a checkout."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(f"there is no package {package}")
    home = Path(spec.origin).parent
    for folder in (home / "migrations", home.parent.parent / "migrations"):
        if folder.is_dir():
            return folder
    raise LookupError(f"{package} has no migrations")


def migrations_in(folder: Path, suffix: str = ".sql") -> list[Migration]:
    """The migrations of a folder, in order."""
    return [Migration(path.stem, path.read_text()) for path in sorted(folder.glob(f"*{suffix}"))]


def pending(migrations: list[Migration], applied: dict[str, str]) -> list[Migration]:
    """Those not yet in `applied` (name → checksum). Raises ValueError if an applied file was edited."""
    for migration in migrations:
        if applied.get(migration.name, migration.checksum) != migration.checksum:
            raise ValueError(f"migration {migration.name} was changed after it had been applied; add a new one")
    return [migration for migration in migrations if migration.name not in applied]


def run_migrations(package: str, migrate: Callable[[Path], Awaitable[list[str]]]) -> None:
    """The main of a service's `migrate` program: applies what is pending and prints its names. Idempotent.

    `migrate` is that of `postgres` or `cassandra`, with the database already given to it.
    """

    async def run() -> list[str]:
        return await migrate(folder_of(package))

    applied = asyncio.run(run())
    print("applied: " + ", ".join(applied) if applied else "the schema is up to date")
