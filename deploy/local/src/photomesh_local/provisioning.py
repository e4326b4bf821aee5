"""What must exist before the services start: databases, schemas, topics, buckets.

Each step remembers, beside the data, the revision of the code it last ran with; it is run again when that changes.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from photomesh_local.environment import DATABASES, environment, role_of
from photomesh_local.program import StackError
from photomesh_local.servers.postgres import psql
from photomesh_local.services import member, revision
from photomesh_local.stack import LOCAL, ROOT, Stack
from photomesh_local.steps import Step

_SHARED = ROOT / "shared" / "src" / "photomesh_shared"
_MIGRATION = [_SHARED / "migrations.py", _SHARED / "postgres.py", _SHARED / "cassandra.py", _SHARED / "outbox.sql"]


def steps(stack: Stack) -> list[Step]:
    """They belong to the servers: without topics, buckets and tables those are of no use to anybody."""
    topics = [_SHARED / "provision.py", _SHARED / "events", _SHARED / "kafka" / "admin.py"]
    buckets = [_SHARED / "provision.py", _SHARED / "storage.py"]
    return [
        Step(
            "databases",
            "servers",
            lambda _say: _once(stack, "databases", " ".join(DATABASES), _databases),
            ["postgres"],
        ),
        _command(stack, "topics", ["photomesh_shared.provision", "topics"], topics, needs=["kafka"]),
        _command(stack, "buckets", ["photomesh_shared.provision", "buckets"], buckets, needs=["seaweedfs"]),
        _schema(stack, "identity", needs=["databases"]),
        _schema(stack, "upload", needs=["databases"]),
        _schema(stack, "social-graph", needs=["databases"]),
        _schema(stack, "post", needs=["cassandra"]),
    ]


def _schema(stack: Stack, service: str, needs: list[str]) -> Step:
    sources = [member(service) / "migrations", *_MIGRATION]
    return _command(
        stack, f"{service}-schema", [f"photomesh_{service.replace('-', '_')}.migrate"], sources, needs, program=service
    )


def _command(
    stack: Stack, name: str, module: list[str], sources: list[Path], needs: list[str], program: str = "provision"
) -> Step:
    """A step that runs `python -m <module>` with the environment of a program, when one of its sources changed."""

    async def run(stack: Stack) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", *module),
            env={**os.environ, **environment(stack, program)},
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        stack.logs.mkdir(parents=True, exist_ok=True)
        (stack.logs / f"{name}.log").write_bytes(output)
        if process.returncode != 0:
            last = output.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise StackError(f"{' '.join(module)} failed: {last[0]}")

    return Step(name, "servers", lambda _say: _once(stack, name, revision(*sources), run), needs)


async def _databases(stack: Stack) -> None:
    sql = (LOCAL / "config" / "database.sql").read_text()
    for name in map(role_of, DATABASES):
        password = stack.secrets[f"POSTGRES_PASSWORD_{name.upper()}"]
        await psql(stack, f"\\set name {name}\n\\set password {password}\n{sql}")


async def _once(stack: Stack, name: str, current: str, run: Callable[[Stack], Awaitable[None]]) -> str:
    stamp = stack.provisioned / name
    if stamp.exists() and stamp.read_text() == current:
        return "as before"
    await run(stack)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(current)
    return "made"
