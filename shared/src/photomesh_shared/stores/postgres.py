"""PostgreSQL: the pool, transactions, and migrations from plain SQL files.

`migrate` applies a service's pending `migrations/`, each in a transaction, under an advisory lock, so that replicas may
start concurrently.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from prometheus_client import Gauge

from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.stores.migrations import migrations_in, pending

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection = asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]

__all__ = ["PostgresProbe", "connection", "migrate", "open_pool", "open_probe", "transaction"]

CONNECTIONS = Gauge("photomesh_postgres_connections", "Connections of the pool.", ["state"])
WAITING = Gauge("photomesh_postgres_waiting", "Statements and transactions that wait for a connection.")

_MIGRATION_LOCK = 7_042_001
_ACQUIRE_SECONDS = 5.0
_CLOSE_SECONDS = 10.0
_PROBE_SECONDS = 2.0
_AWAY = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg's error for a connection that was closed between two statements
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # too many connections
    asyncpg.TransactionRollbackError,  # a deadlock or a serialisation failure: a retry may succeed
    OSError,
    TimeoutError,
)


async def migrate(dsn: str, folder: Path) -> list[str]:
    """Apply pending migrations. Returns their names."""
    session = await asyncpg.connect(dsn)
    try:
        await session.execute("SELECT pg_advisory_lock($1)", _MIGRATION_LOCK)
        await session.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations"
            " (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        rows = await session.fetch("SELECT name, checksum FROM schema_migrations")
        new = pending(migrations_in(folder), {row["name"]: row["checksum"] for row in rows})
        for migration in new:
            async with session.transaction():
                await session.execute(migration.sql)
                await session.execute(
                    "INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2)",
                    migration.name,
                    migration.checksum,
                )
        return [migration.name for migration in new]
    finally:
        await session.close()


@asynccontextmanager
async def open_pool(dsn: str, *, size: int = 10) -> AsyncIterator[Pool]:
    """Open a pool with a statement timeout: a query over 5 s is an error."""
    pool = await asyncpg.create_pool(dsn, min_size=2, max_size=size, timeout=5, command_timeout=5)
    CONNECTIONS.labels("used").set_function(lambda: pool.get_size() - pool.get_idle_size())
    CONNECTIONS.labels("idle").set_function(pool.get_idle_size)
    CONNECTIONS.labels("limit").set_function(pool.get_max_size)
    try:
        yield pool
    finally:
        CONNECTIONS.clear()
        with suppress(TimeoutError):  # on timeout, connections are terminated, so that shutdown does not hang
            async with asyncio.timeout(_CLOSE_SECONDS):
                await pool.close()


class PostgresProbe:
    """A readiness check on a connection of its own: a pool that is fully used does not look like a server that is down,
    and the check takes no connection from requests."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lock = asyncio.Lock()

    async def check(self) -> None:
        """Raises DatabaseUnavailable."""
        async with self._lock:
            try:
                if self._connection is None:
                    self._connection = await asyncpg.connect(self._dsn, timeout=_PROBE_SECONDS)
                await self._connection.execute("SELECT 1", timeout=_PROBE_SECONDS)
            except _AWAY as error:
                self.close()
                raise DatabaseUnavailable from error
            except BaseException:  # cancelled: the connection may still wait for an answer
                self.close()
                raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


@contextmanager
def open_probe(dsn: str) -> Iterator[PostgresProbe]:
    """Connects at the first check."""
    probe = PostgresProbe(dsn)
    try:
        yield probe
    finally:
        probe.close()


@asynccontextmanager
async def connection(pool: Pool) -> AsyncIterator[Connection]:
    """Acquire a connection for one or a few statements. Raises DatabaseUnavailable if the server is unreachable or
    overloaded."""
    try:
        async with AsyncExitStack() as stack:
            with WAITING.track_inprogress():
                acquired = await stack.enter_async_context(pool.acquire(timeout=_ACQUIRE_SECONDS))
            yield acquired
    except _AWAY as error:
        if isinstance(error, ValueError):  # asyncpg's own DataError: an invalid argument, not an outage
            raise
        raise DatabaseUnavailable from error


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """Acquire a connection in a transaction, committed on exit and rolled back on any error. Raises as `connection`."""
    async with connection(pool) as acquired, acquired.transaction():
        yield acquired
