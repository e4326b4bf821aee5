"""PostgreSQL databases that only one test, or one folder of tests, uses."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

import photomesh_local as local
from photomesh_local.configuration.environment import postgres_dsn
from photomesh_local.servers.postgres import ADMIN
from photomesh_shared.stores.migrations import folder_of
from photomesh_shared.stores.postgres import migrate

__all__ = ["new_database"]


@asynccontextmanager
async def new_database(role: str, *, package: str = "") -> AsyncIterator[str]:
    """A new database of a service's role (`identity`, `social_graph` …), dropped at the end; its DSN.

    It is empty, or has the schema of a service's `package`.
    """
    stack, name = local.Stack("test"), f"{role}_{uuid.uuid4().hex[:12]}"
    await _as_admin(stack, f"CREATE DATABASE {name} OWNER {role}")
    try:
        dsn = postgres_dsn(stack, role, stack.secrets[f"POSTGRES_PASSWORD_{role.upper()}"], name)
        if package:
            await migrate(dsn, folder_of(package))
        yield dsn
    finally:
        await _as_admin(stack, f"DROP DATABASE {name} WITH (FORCE)")


async def _as_admin(stack: local.Stack, statement: str) -> None:
    connection = await asyncpg.connect(postgres_dsn(stack, ADMIN, stack.secrets["POSTGRES_PASSWORD"], "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
