"""The same names in PostgreSQL, in a database of its own that goes away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg

import photomesh_local as local
from benchmarks.search.cities import City
from photomesh_local.configuration.environment import postgres_dsn

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]

__all__ = ["NaiveSearch", "running"]

_DATABASE = "naive_search"
_SCHEMA = """
    CREATE EXTENSION pg_trgm;
    CREATE TABLE cities (number int PRIMARY KEY, name text NOT NULL, followers int NOT NULL);
"""
_INDEXES = """
    CREATE INDEX ON cities (lower(name) text_pattern_ops);
    CREATE INDEX ON cities (followers DESC);
    CREATE INDEX ON cities USING gin (name gin_trgm_ops);
    VACUUM ANALYZE cities;
"""
_LIKE = "SELECT number FROM cities WHERE lower(name) LIKE $1 ORDER BY followers DESC LIMIT 10"
_ALIKE = """
    SELECT number FROM cities WHERE $1 <% name ORDER BY word_similarity($1, name) DESC, followers DESC LIMIT 10
"""


class NaiveSearch:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def like(self, text: str) -> list[int]:
        """Names that begin so."""
        escaped = text.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        return [row["number"] for row in await self._connection.fetch(_LIKE, f"{escaped}%")]

    async def alike(self, text: str) -> list[int]:
        """Names of which a part is like that, by trigrams."""
        return [row["number"] for row in await self._connection.fetch(_ALIKE, text)]


@asynccontextmanager
async def running(stack: str, of: Iterable[City]) -> AsyncIterator[NaiveSearch]:
    where = local.Stack(stack)
    secret = where.secrets["POSTGRES_PASSWORD"]
    admin = await asyncpg.connect(postgres_dsn(where, "photomesh", secret, "postgres"))
    try:
        await admin.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
        await admin.execute(f"CREATE DATABASE {_DATABASE}")
        connection = await asyncpg.connect(postgres_dsn(where, "photomesh", secret, _DATABASE))
        try:
            await connection.execute(_SCHEMA)
            rows = [(city.number, city.name, city.inhabitants) for city in of]
            await connection.copy_records_to_table("cities", records=rows)
            for statement in filter(str.strip, _INDEXES.split(";")):
                await connection.execute(statement)
            yield NaiveSearch(connection)
        finally:
            await connection.close()
            await admin.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")
    finally:
        await admin.close()
