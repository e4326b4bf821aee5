"""Cassandra for asyncio: the one module that imports the driver.

The driver responds on its own threads (libev); `execute` passes results to the event loop. Blocking calls (connecting,
preparing, closing) run in a thread. Statements are prepared, idempotent, token-aware and LOCAL_QUORUM.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from cassandra import ConsistencyLevel, DriverException, OperationTimedOut, RequestExecutionException, segment
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.policies import ConstantReconnectionPolicy, DCAwareRoundRobinPolicy, TokenAwarePolicy
from cassandra.query import PreparedStatement, dict_factory

from photomesh_shared.concurrency.single_flight import SingleFlight
from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.settings import CassandraSettings
from photomesh_shared.stores.migrations import migrations_in, pending

__all__ = ["CassandraSession", "Row", "Rows", "connect", "create_keyspace", "migrate", "open_session"]

# Of each frame's header, the driver computes a checksum in Python, bit by bit. Headers say little but the length.
segment.compute_crc24 = lru_cache(maxsize=8_192)(segment.compute_crc24)

Row = dict[str, Any]
_REQUEST_SECONDS = 5.0
_RECONNECT_SECONDS = 1.0


@dataclass(frozen=True)
class Rows:
    """One page of rows; `paging_state` is None on the last."""

    rows: list[Row]
    paging_state: bytes | None


class CassandraSession:
    """Executes statements by their text; each is prepared on first use and cached."""

    def __init__(self, cluster: Cluster, session: Session) -> None:
        self._cluster = cluster
        self._session = session
        self._prepared: dict[str, PreparedStatement] = {}
        self._preparing: dict[str, asyncio.Task[PreparedStatement]] = {}
        self._reads = SingleFlight[list[Row]]()

    async def execute(self, cql: str, *values: object) -> list[Row]:
        """Return the first page of rows (5,000): for reads bounded by a LIMIT.

        Raises DatabaseUnavailable if there is no response; a write may have happened, so retry it.
        """
        return (await self.page(cql, *values)).rows

    async def read(self, cql: str, *values: Hashable) -> Sequence[Mapping[str, Any]]:
        """Like `execute`, for a SELECT, but coalesces concurrent equal reads, so a hot row costs a few reads. Writes
        made before the call are visible. Pass lists as tuples."""
        return await self._reads.run((cql, values), lambda: self.execute(cql, *values))

    async def page(self, cql: str, *values: object, page_size: int = 5000, paging_state: bytes | None = None) -> Rows:
        """Return one page of rows."""
        statement = self._prepared.get(cql) or await self._prepare(cql)
        bound = statement.bind(values)
        bound.fetch_size = page_size
        loop = asyncio.get_running_loop()
        done: asyncio.Future[list[Row]] = loop.create_future()
        response = self._session.execute_async(bound, paging_state=paging_state)

        def settle(rows: list[Row] | None, error: BaseException | None) -> None:
            if done.done():  # cancelled meanwhile
                return
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(list(rows or ()))

        response.add_callbacks(
            lambda rows: loop.call_soon_threadsafe(settle, rows, None),
            lambda error: loop.call_soon_threadsafe(settle, None, error),
        )
        try:
            rows = await done
        except (NoHostAvailable, OperationTimedOut, RequestExecutionException) as error:
            raise DatabaseUnavailable(f"Cassandra: {type(error).__name__}") from error
        return Rows(rows, cast("bytes | None", response._paging_state))

    async def rows(self, cql: str, *values: object) -> AsyncGenerator[Row, None]:
        """Yield all rows, fetched page by page."""
        paging_state: bytes | None = None
        while True:
            page = await self.page(cql, *values, paging_state=paging_state)
            for row in page.rows:
                yield row
            if (paging_state := page.paging_state) is None:
                return

    async def ping(self) -> None:
        """Check readiness. Raises DatabaseUnavailable."""
        await self.execute("SELECT release_version FROM system.local")

    async def _prepare(self, cql: str) -> PreparedStatement:
        """Concurrent callers share the preparation."""
        task = self._preparing.get(cql)
        if task is None or task.done():
            task = self._preparing[cql] = asyncio.create_task(asyncio.to_thread(self._prepare_blocking, cql))
        try:
            statement = self._prepared[cql] = await asyncio.shield(task)
        except (NoHostAvailable, OperationTimedOut, RequestExecutionException, DriverException) as error:
            raise DatabaseUnavailable(f"Cassandra: {type(error).__name__}") from error
        self._preparing.pop(cql, None)
        return statement

    def _prepare_blocking(self, cql: str) -> PreparedStatement:
        statement = self._session.prepare(cql)
        # Idempotent: each write carries its timestamp or, if it is a lightweight transaction, its writer's id.
        statement.is_idempotent = True
        return statement

    async def close(self) -> None:
        await asyncio.to_thread(self._cluster.shutdown)


def _login(settings: CassandraSettings) -> PlainTextAuthProvider | None:
    if not settings.cassandra_user:
        return None
    return PlainTextAuthProvider(settings.cassandra_user, settings.cassandra_password.get_secret_value())


def _tls(settings: CassandraSettings) -> ssl.SSLContext | None:
    if settings.cassandra_ca_file is None:
        return None
    context = ssl.create_default_context(cafile=settings.cassandra_ca_file)  # and no other authority
    context.check_hostname = False  # the driver knows nodes by their addresses, which certificates do not name
    return context


def connect(settings: CassandraSettings, keyspace: str | None) -> tuple[Cluster, Session]:
    """Connect; blocks. Raises DatabaseUnavailable, also if the login is refused."""
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(settings.cassandra_datacenter)),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.LOCAL_SERIAL,
        request_timeout=_REQUEST_SECONDS,
        row_factory=dict_factory,
    )
    cluster = Cluster(
        settings.cassandra_hosts.split(","),
        port=settings.cassandra_port,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        protocol_version=5,
        auth_provider=_login(settings),
        ssl_context=_tls(settings),
        # The default doubles the delay each time: after a minute of downtime, a node would be unused for another.
        reconnection_policy=ConstantReconnectionPolicy(_RECONNECT_SECONDS, max_attempts=None),
        connect_timeout=5,
        idle_heartbeat_interval=5,
        idle_heartbeat_timeout=5,
    )
    try:
        return cluster, cluster.connect(keyspace)
    except (NoHostAvailable, OperationTimedOut, DriverException) as error:
        cluster.shutdown()
        raise DatabaseUnavailable(f"Cassandra: {type(error).__name__}: {error}") from error


@asynccontextmanager
async def open_session(settings: CassandraSettings) -> AsyncIterator[CassandraSession]:
    """Open a session on the service's keyspace."""
    cluster, session = await asyncio.to_thread(connect, settings, settings.cassandra_keyspace)
    opened = CassandraSession(cluster, session)
    try:
        yield opened
    finally:
        await opened.close()


def _statements(script: str) -> Sequence[str]:
    """Split a CQL file into statements. Comments must take whole lines, and literals must not contain semicolons."""
    text = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("--"))
    return [statement.strip() for statement in text.split(";") if statement.strip()]


def create_keyspace(session: Session, settings: CassandraSettings) -> None:
    """Create the keyspace unless it exists; a role that may not create any need not, then."""
    keyspace = settings.cassandra_keyspace
    known = "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = %s"
    if not session.execute(known, (keyspace,)).one():
        session.execute(
            f"CREATE KEYSPACE IF NOT EXISTS {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy',"
            f" '{settings.cassandra_datacenter}': {settings.cassandra_replication}}}",
            timeout=60,
        )


def _migrate_blocking(settings: CassandraSettings, folder: Path) -> list[str]:
    cluster, session = connect(settings, None)
    try:
        keyspace = settings.cassandra_keyspace
        create_keyspace(session, settings)
        session.set_keyspace(keyspace)
        session.execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (name text PRIMARY KEY, checksum text, applied_at timestamp)",
            timeout=60,
        )
        applied = {row["name"]: row["checksum"] for row in session.execute("SELECT * FROM schema_migrations")}
        new = pending(migrations_in(folder, ".cql"), applied)
        for migration in new:
            for statement in _statements(migration.sql):
                session.execute(statement, timeout=60)
            session.execute(
                "INSERT INTO schema_migrations (name, checksum, applied_at) VALUES (%s, %s, toTimestamp(now()))",
                (migration.name, migration.checksum),
            )
        return [migration.name for migration in new]
    finally:
        cluster.shutdown()


async def migrate(settings: CassandraSettings, folder: Path) -> list[str]:
    """Apply pending `migrations/*.cql` to the keyspace. Returns their names.

    Cassandra has no transactional schema changes, so statements must be idempotent (IF NOT EXISTS): an interrupted
    migration is run again, and replicas may run it concurrently.
    """
    return await asyncio.to_thread(_migrate_blocking, settings, folder)
