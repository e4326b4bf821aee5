"""What each column and each Redis key holds of a person, as `personal.toml` of its deployable declares it::

    [postgresql.sessions]
    of = "account_id"
    kept = "until 30 days after the session has ended"
    identifier = ["id", "account_id"]
    activity = ["created_at", "expires_at", "ends_at", "revoked_at"]

`of` is the column (or the part of a key) with the account that the data is about; it is left out if there is none.
All other words are categories of `photomesh_shared.personal`, with the columns that have them. Tables that code of
shared keeps in several databases are in `shared/personal.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from photomesh_shared.personal import CATEGORIES, Personal
from tools.personal_data.columns import Tables, tables_of

__all__ = ["DATABASES", "KEPT_IN", "Inventory", "Stored", "inventory"]

DATABASES = {"postgresql": ".sql", "cassandra": ".cql"}
KEPT_IN = {
    "postgresql": "PostgreSQL",
    "cassandra": "Cassandra",
    "redis": "Redis",
    "objects": "Object storage",
    "opensearch": "OpenSearch",
}
_SHARED = "shared"


@dataclass(frozen=True)
class Stored:
    """A table, a kind of Redis keys, or a kind of objects."""

    deployable: str
    store: str
    name: str
    kept: str
    of: str | None
    columns: Mapping[str, Personal]

    @property
    def is_personal(self) -> bool:
        return any(personal.is_personal for personal in self.columns.values())


@dataclass(frozen=True)
class Inventory:
    root: Path

    @cached_property
    def stored(self) -> list[Stored]:
        """All declarations. Raises ValueError for one that says something else than the form above."""
        return [stored for path in self._files() for stored in _read(path)]

    @cached_property
    def tables(self) -> Mapping[tuple[str, str], Tables]:
        """Columns in the migrations, by deployable and store."""
        found = {}
        for folder in sorted(self.root.glob("services/*/migrations")):
            for store, suffix in DATABASES.items():
                if files := sorted(folder.glob(f"*{suffix}")):
                    found[folder.parent.name, store] = tables_of(path.read_text() for path in files)
        return found

    def problems(self) -> list[str]:
        """Return what is missing from the declarations, and what they have too much, each with what to do."""
        return sorted(self._problems())

    def _problems(self) -> Iterator[str]:
        declared = {(one.deployable, one.store, one.name): one for one in self.stored}
        used = set()
        for (deployable, store), tables in self.tables.items():
            for name, columns in tables.items():
                key = (deployable, store, name)
                key = key if key in declared else (_SHARED, store, name)
                used.add(key)
                where = f"services/{deployable}/personal.toml, [{store}.{name}]"
                said = declared[key].columns if key in declared else {}
                for column in columns:
                    if column not in said:
                        yield f'{where}: the column "{column}" is missing; add it to one of {", ".join(CATEGORIES)}'
                for column in said.keys() - columns.keys():
                    yield f'{where}: no migration has the column "{column}"; remove it'
        for key, one in declared.items():
            if one.store in DATABASES and key not in used:
                yield f"{key[0]}/personal.toml, [{one.store}.{one.name}]: no migration has this table; remove it"
            if one.is_personal and one.of is not None and one.store in DATABASES and one.of not in one.columns:
                yield f'{key[0]}/personal.toml, [{one.store}.{one.name}]: of = "{one.of}" is none of its columns'

    def _files(self) -> list[Path]:
        patterns = ("shared/personal.toml", "gateway/personal.toml", "services/*/personal.toml")
        return [path for pattern in patterns for path in sorted(self.root.glob(pattern))]


def inventory() -> Inventory:
    """Return that of this repository."""
    return Inventory(Path(__file__).parents[2])


def _read(path: Path) -> Iterator[Stored]:
    for store, things in tomllib.loads(path.read_text()).items():
        if store not in KEPT_IN:
            raise ValueError(f"{path}: [{store}]: the stores are {', '.join(KEPT_IN)}")
        for name, said in things.items():
            where = f"{path}: [{store}.{name}]"
            if "kept" not in said:
                raise ValueError(f"{where}: kept = … is missing: how long it is kept")
            if unknown := said.keys() - CATEGORIES.keys() - {"kept", "of"}:
                known = ", ".join(CATEGORIES)
                raise ValueError(f"{where}: {', '.join(sorted(unknown))} is none of the categories {known}")
            pairs = [(column, CATEGORIES[word]) for word in CATEGORIES for column in said.get(word, [])]
            if len(dict(pairs)) != len(pairs):
                raise ValueError(f"{where}: a column is in two categories")
            yield Stored(path.parent.name, store, name, said["kept"], said.get("of"), dict(pairs))
