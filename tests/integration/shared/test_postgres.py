"""Migrations and transactions on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest
from prometheus_client import REGISTRY

from photomesh_shared.errors import DatabaseUnavailable
from photomesh_shared.stores.migrations import folder_of, migrations_in
from photomesh_shared.stores.outbox import DDL
from photomesh_shared.stores.postgres import connection, migrate, open_pool, open_probe, transaction
from tests.support.databases import new_database
from tests.support.servers import Servers
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from photomesh_shared.stores.postgres import Pool


@pytest.fixture
async def dsn(servers: Servers) -> AsyncIterator[str]:
    """An empty database."""
    async with new_database("identity") as dsn:
        yield dsn


@pytest.fixture
async def pool(dsn: str) -> AsyncIterator[Pool]:
    async with open_pool(dsn, size=4) as pool:
        async with connection(pool) as session:
            await session.execute("CREATE TABLE things (id bigint PRIMARY KEY)")
        yield pool


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (id bigint); CREATE TABLE also (id bigint);")
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE first ADD COLUMN name text;")
    (tmp_path / "README.md").write_text("not a migration")
    return tmp_path


async def _ids(pool: Pool) -> list[int]:
    async with connection(pool) as session:
        return [row["id"] for row in await session.fetch("SELECT id FROM things ORDER BY id")]


async def test_migrations_are_applied_in_order_and_once(dsn: str, folder: Path) -> None:
    assert await migrate(dsn, folder) == ["0001_first", "0002_second"]
    assert await migrate(dsn, folder) == []
    (folder / "0003_third.sql").write_text("INSERT INTO first VALUES (1, 'one')")
    assert await migrate(dsn, folder) == ["0003_third"]
    assert await migrate(dsn, folder) == []


async def test_several_at_once_apply_each_once(dsn: str, folder: Path) -> None:
    applied = await asyncio.gather(*(migrate(dsn, folder) for _ in range(5)))
    assert sorted(name for names in applied for name in names) == ["0001_first", "0002_second"]


async def test_an_applied_file_is_never_edited(dsn: str, folder: Path) -> None:
    await migrate(dsn, folder)
    (folder / "0001_first.sql").write_text("CREATE TABLE first (id int)")
    with pytest.raises(ValueError, match="0001_first was changed"):
        await migrate(dsn, folder)


async def test_a_file_that_fails_leaves_nothing_behind(dsn: str, folder: Path) -> None:
    (folder / "0003_bad.sql").write_text("CREATE TABLE half (id bigint); SELECT nonsense;")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(dsn, folder)
    (folder / "0003_bad.sql").write_text("CREATE TABLE half (id bigint);")
    assert await migrate(dsn, folder) == ["0003_bad"]


@pytest.mark.parametrize("service", ["identity", "upload"])
async def test_the_schemas_of_services(dsn: str, service: str) -> None:
    folder = folder_of(f"photomesh_{service}")
    names = [migration.name for migration in migrations_in(folder)]
    assert await migrate(dsn, folder) == names == sorted(names)
    [outbox] = [migration for migration in migrations_in(folder) if migration.name.endswith("_outbox")]
    assert outbox.sql == DDL


def test_a_package_without_migrations() -> None:
    with pytest.raises(LookupError, match="no migrations"):
        folder_of("photomesh_gateway")
    with pytest.raises(LookupError, match="no package"):
        folder_of("photomesh_nowhere")


async def test_a_transaction_is_whole_or_nothing(pool: Pool) -> None:
    async with transaction(pool) as tx:
        await tx.execute("INSERT INTO things VALUES (1)")

    async def fails() -> None:
        async with transaction(pool) as tx:
            await tx.execute("INSERT INTO things VALUES (2)")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await fails()
    assert await _ids(pool) == [1]


async def test_what_is_wrong_with_a_statement_is_not_the_servers_fault(pool: Pool) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        async with transaction(pool) as tx:
            await tx.execute("INSERT INTO things VALUES (1), (1)")
    with pytest.raises(asyncpg.DataError):
        async with transaction(pool) as tx:
            await tx.execute("INSERT INTO things VALUES ($1)", "text")
    with pytest.raises(asyncpg.UndefinedTableError):
        async with connection(pool) as session:
            await session.execute("SELECT FROM nothing")
    assert await _ids(pool) == []


async def test_a_connection_that_is_cut_is_unavailable_and_then_replaced(pool: Pool, dsn: str) -> None:
    killer = await asyncpg.connect(dsn)

    async def is_cut() -> None:
        async with transaction(pool) as tx:
            await tx.execute("INSERT INTO things VALUES (1)")
            await killer.execute("SELECT pg_terminate_backend($1)", await tx.fetchval("SELECT pg_backend_pid()"))
            await tx.execute("INSERT INTO things VALUES (2)")

    with pytest.raises(DatabaseUnavailable):
        await is_cut()
    await killer.close()
    assert await _ids(pool) == []


async def test_a_deadlock_is_worth_a_repeat(pool: Pool) -> None:
    async with transaction(pool) as tx:
        await tx.execute("INSERT INTO things VALUES (1), (2)")
    held = asyncio.Barrier(2)

    async def lock(*ids: int) -> None:
        async with transaction(pool) as tx:
            await tx.execute("SELECT FROM things WHERE id = $1 FOR UPDATE", ids[0])
            await held.wait()
            await tx.execute("SELECT FROM things WHERE id = $1 FOR UPDATE", ids[1])

    outcomes = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
    [loser] = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(loser, DatabaseUnavailable)
    assert loser.retryable


async def test_a_pool_that_is_used_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("photomesh_shared.stores.postgres._ACQUIRE_SECONDS", 0.05)
    taken = [await pool.acquire() for _ in range(4)]
    with pytest.raises(DatabaseUnavailable):
        async with connection(pool):
            pass
    for session in taken:
        await pool.release(session)
    assert await _ids(pool) == []


async def test_a_connection_that_is_never_given_back_does_not_hold_up_the_end(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("photomesh_shared.stores.postgres._CLOSE_SECONDS", 0.05)
    async with open_pool(dsn) as pool:
        await pool.acquire()


async def test_a_probe_does_not_depend_on_the_pool(pool: Pool, dsn: str) -> None:
    with open_probe(dsn) as probe:
        async with AsyncExitStack() as stack:
            for _ in range(pool.get_max_size()):
                await stack.enter_async_context(connection(pool))
            async with asyncio.timeout(20):  # nobody gives a connection back
                await probe.check()
                await asyncio.gather(*(probe.check() for _ in range(20)))


async def test_a_probe_recovers(pool: Pool, dsn: str) -> None:
    with open_probe(dsn) as probe:
        await probe.check()
        async with connection(pool) as session:
            await session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
            )
        with pytest.raises(DatabaseUnavailable):
            await probe.check()
        await probe.check()
    with open_probe("postgresql://nobody@127.0.0.1:9/none") as probe, pytest.raises(DatabaseUnavailable):
        await probe.check()


async def test_the_pool_shows_its_connections_and_who_waits(pool: Pool) -> None:
    async def value(name: str, **labels: str) -> float | None:
        return REGISTRY.get_sample_value(f"photomesh_postgres_{name}", labels)

    # Services of other tests in this process also wait for connections now and then.
    async with AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(connection(pool))
        waiting = asyncio.create_task(_ids(pool))
        await eventually(lambda: value("waiting"), until=lambda found: found == 1)
        assert await value("connections", state="used") == await value("connections", state="limit") == 4
    assert await waiting == []
    assert (await value("connections", state="used"), await value("connections", state="idle")) == (0, 4)
    await eventually(lambda: value("waiting"), until=lambda found: found == 0)
