"""Databases are restored to an earlier moment: after `republish`, nobody sees what they may not."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import asyncpg

from demo.client import Account, ApiError, Platform
from tests.conftest import Environment
from tests.support.waiting import eventually

_GRAPH_TABLES = ("accounts", "pairs", "follows_out", "follows_in", "requests_in", "blocks_in")


def _dsn(environment: Mapping[str, str]) -> str:
    return environment["PHOTOMESH_POSTGRES_DSN"]


async def _back_up(environment: Environment) -> str:
    """Copies the tables beside themselves; returns the name of the copy."""
    copy = f"copy_{secrets.token_hex(4)}"
    for program, tables in (("identity", ("accounts",)), ("social-graph", _GRAPH_TABLES)):
        database = await asyncpg.connect(_dsn(environment(program)))
        await database.execute(f"CREATE SCHEMA {copy}")
        for table in tables:
            await database.execute(f"CREATE TABLE {copy}.{table} AS TABLE public.{table}")
        await database.close()
    return copy


async def _restore(environment: Environment, copy: str) -> None:
    graph = await asyncpg.connect(_dsn(environment("social-graph")))
    async with graph.transaction():
        await graph.execute(f"TRUNCATE {', '.join(_GRAPH_TABLES)}")
        for table in _GRAPH_TABLES:
            await graph.execute(f"INSERT INTO {table} SELECT * FROM {copy}.{table}")
        await graph.execute(f"DROP SCHEMA {copy} CASCADE")
    await graph.close()
    identity = await asyncpg.connect(_dsn(environment("identity")))
    await identity.execute(  # the rest of a row does not change in this test
        "UPDATE accounts SET private = old.private, version = old.version, updated_at = old.updated_at"
        f" FROM {copy}.accounts old WHERE accounts.id = old.id"
    )
    await identity.execute(f"DROP SCHEMA {copy} CASCADE")
    await identity.close()


def _republish(environment: Environment) -> None:
    for program, module in (("identity", "photomesh_identity"), ("social-graph-consumer", "photomesh_social_graph")):
        subprocess.run(
            [sys.executable, "-m", f"{module}.republish"], check=True, env={**os.environ, **environment(program)}
        )


async def test_reads_follow_restored_databases(
    platform: Platform, service_environment: Environment, some_photo: Path
) -> None:
    author, fan, stranger, enemy = [await platform.register(f"restored_{secrets.token_hex(6)}") for _ in range(4)]
    photo = await platform.upload(author, some_photo, lambda _: None)
    await platform.wait_until_ready(author, photo, within=60)
    post = await platform.publish(author, [photo], "Before the backup")
    await platform.follow(fan, author)

    async def who_sees() -> set[str]:
        found = set()
        for name, account in (("fan", fan), ("stranger", stranger), ("enemy", enemy)):
            with suppress(ApiError):  # as if it did not exist
                await platform.call("GET", f"/v1/posts/{post['id']}", account)
                found.add(name)
        if any(item["id"] == post["id"] for item in await platform.feed(fan)):
            found.add("fan's feed")
        return found

    async def seen_by(*names: str) -> None:
        await eventually(who_sees, until=lambda found: found == set(names), within=60, every=0.5)

    async def change(account: Account, method: str, path: str, **arguments: object) -> None:
        await platform.call(method, path, account, **arguments)

    everybody = ("fan", "stranger", "enemy", "fan's feed")
    await seen_by(*everybody)
    backup = await _back_up(service_environment)

    await change(author, "PATCH", "/v1/me", json={"private": True})
    await change(author, "PUT", f"/v1/users/{enemy.id}/block")
    await change(fan, "DELETE", f"/v1/users/{author.id}/follow")
    await seen_by()

    await _restore(service_environment, backup)
    _republish(service_environment)
    await seen_by(*everybody)

    # And what happens from now on is not older than what everybody has seen.
    await change(author, "PUT", f"/v1/users/{enemy.id}/block")
    await seen_by("fan", "stranger", "fan's feed")
    await change(author, "PATCH", "/v1/me", json={"private": True})
    await seen_by("fan", "fan's feed")
    await change(author, "PUT", f"/v1/users/{fan.id}/block")
    await seen_by()


def test_post_is_republished_while_it_runs(mesh: Mapping[str, int], service_environment: Environment) -> None:
    """After all that earlier tests did, erased accounts among it, the command ends well and leaves nothing to do."""
    command = [sys.executable, "-m", "photomesh_post.republish", "--rate=5000"]
    variables = {**os.environ, **service_environment("post-consumer")}
    subprocess.run(command, check=True, env=variables)
    subprocess.run([*command, "--check"], check=True, env=variables)
