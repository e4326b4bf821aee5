"""The naive server as a process, with a database of its own on a stack's PostgreSQL that goes away with it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

import photomesh_local as local
from benchmarks.naive.database import SCHEMA
from benchmarks.society.graph import Graph
from benchmarks.society.posts import Posts, World, caption_of, display_name_of, photo_of, username_of
from photomesh_local.configuration.environment import postgres_dsn
from photomesh_post.texts.domain import entities_in
from photomesh_shared.events import PhotoReady
from photomesh_shared.ids import timestamp_of

__all__ = ["NaiveServer", "running"]

_DATABASE = "naive"
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = timedelta(seconds=30)


@dataclass(frozen=True)
class NaiveServer:
    """Where it listens, its process and its database."""

    url: str
    pid: int
    dsn: str

    async def add_people(self, world: World, graph: Graph) -> None:
        """Accounts, and who follows whom."""
        accounts = world.accounts[: graph.people].tolist()
        async with _connection(self.dsn) as connection:
            people = [(account, username_of(account), display_name_of(account), None) for account in accounts]
            await connection.copy_records_to_table("users", records=people)
            pairs = zip(world.accounts[graph.followers].tolist(), world.accounts[graph.followees].tolist(), strict=True)
            await connection.copy_records_to_table("follows", records=pairs)

    async def add_posts(self, posts: Posts) -> None:
        """Posts and their photos; the planner gets to know them."""
        photo = PhotoReady.example()
        tags: list[str] = ["sunset", "lake"]

        def row(post: int, author: int) -> tuple[object, ...]:
            caption = caption_of(post)
            return post, author, caption, tags, [], entities_in(caption).model_dump_json(), timestamp_of(post)

        async with _connection(self.dsn) as connection:
            await connection.copy_records_to_table(
                "posts",
                columns=["id", "author_id", "caption", "hashtags", "mentions", "entities", "created_at"],
                records=(row(post, by) for post, by in posts),
            )
            await connection.copy_records_to_table(
                "photos",
                columns=["id", "owner_id", "post_id", "position", "width", "height", "placeholder"],
                records=(
                    (photo_of(post), by, post, 0, photo.width, photo.height, photo.placeholder) for post, by in posts
                ),
            )
            await _vacuumed(connection)

    async def cpu_seconds(self) -> float:
        """What the process and its database sessions have used so far."""
        async with _connection(self.dsn) as connection:
            rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE datname = $1", _DATABASE)
        return sum(map(_cpu_seconds, [self.pid, *(row["pid"] for row in rows)]))


@asynccontextmanager
async def running(stack: str, jwks_url: str | None = None) -> AsyncIterator[NaiveServer]:
    """An empty one, ready; it accepts the tokens of the stack's identity, or of another issuer."""
    where = local.Stack(stack)
    secret = where.secrets["POSTGRES_PASSWORD"]
    admin, dsn = (postgres_dsn(where, "photomesh", secret, name) for name in ("postgres", _DATABASE))
    async with AsyncExitStack() as cleanup:
        folder = cleanup.enter_context(tempfile.TemporaryDirectory())
        await _execute(admin, f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)", f"CREATE DATABASE {_DATABASE}")
        cleanup.push_async_callback(_execute, admin, f"DROP DATABASE {_DATABASE} WITH (FORCE)")
        await _execute(dsn, SCHEMA)
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        environment = {
            "PHOTOMESH_PORT": str(port),
            "PHOTOMESH_NAIVE_URL": url,
            "PHOTOMESH_NAIVE_DSN": dsn,
            "PHOTOMESH_NAIVE_FOLDER": folder,
            "PHOTOMESH_JWKS_URL": jwks_url or local.environment(where, "gateway")["PHOTOMESH_JWKS_URL"],
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.naive"),
            env={name: value for name, value in os.environ.items() if not name.startswith("PHOTOMESH_")} | environment,
        )
        cleanup.push_async_callback(_end, process)
        await _ready(url, process)
        yield NaiveServer(url, process.pid, dsn)


async def _vacuumed(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    """The planner knows the tables, and indexes answer without them. The latter takes a second try when an automatic
    ANALYZE was still looking at rows from before."""
    until = datetime.now(UTC) + _PATIENCE
    visible = 0.0
    while visible < 0.9:
        if datetime.now(UTC) > until:
            raise TimeoutError("VACUUM does not get through")
        await connection.execute("VACUUM ANALYZE")
        visible = await connection.fetchval(
            "SELECT min(relallvisible / relpages::float) FROM pg_class"
            " WHERE relname IN ('follows', 'posts', 'photos') AND relpages > 0"
        )


async def _execute(dsn: str, *statements: str) -> None:
    async with _connection(dsn) as connection:
        for statement in statements:
            await connection.execute(statement)


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def _ready(url: str, process: asyncio.subprocess.Process) -> None:
    until = datetime.now(UTC) + _PATIENCE
    async with httpx.AsyncClient() as client:
        while True:
            try:
                (await client.get(f"{url}/healthz")).raise_for_status()
            except httpx.HTTPError:
                if process.returncode is not None or datetime.now(UTC) > until:
                    raise
                await asyncio.sleep(0.1)
            else:
                return


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
