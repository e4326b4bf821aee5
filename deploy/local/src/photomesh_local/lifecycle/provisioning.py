"""What must exist before the services start: databases, schemas, topics, buckets.

Each step remembers, beside the data, the revision of the code it last ran with; it is run again when that changes.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from photomesh_local.configuration import registry
from photomesh_local.configuration.environment import DATABASES, environment
from photomesh_local.configuration.registry import Program
from photomesh_local.configuration.stack import LOCAL, ROOT, Stack
from photomesh_local.lifecycle.steps import Step
from photomesh_local.processes.program import StackError
from photomesh_local.servers.postgres import psql
from photomesh_local.services import revision

_SHARED = ROOT / "shared" / "src" / "photomesh_shared"
_SOURCES = {
    "topics": [_SHARED / "provision.py", _SHARED / "events", _SHARED / "kafka" / "admin.py"],
    "buckets": [_SHARED / "provision.py", _SHARED / "stores" / "object_storage.py"],
}
_STORES = _SHARED / "stores"


def steps(stack: Stack) -> list[Step]:
    """They belong to the servers, which are of no use without topics, buckets and tables."""
    names = " ".join(DATABASES)
    return [
        Step("databases", "servers", lambda _say: _once(stack, "databases", names, _databases), ["postgres"]),
        *(_job(stack, program) for program in registry.PROGRAMS.values() if program.kind == "job"),
    ]


def _job(stack: Stack, job: Program) -> Step:
    """A step that runs a job of the registry when one of its sources changed."""
    sources = _SOURCES.get(job.name) or [ROOT / job.deployable.folder / "migrations", _STORES]

    async def run(stack: Stack) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *job.command[1:]),
            env={**os.environ, **environment(stack, job.name)},
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        stack.logs.mkdir(parents=True, exist_ok=True)
        (stack.logs / f"{job.name}.log").write_bytes(output)
        if process.returncode != 0:
            last = output.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise StackError(f"{job.module} failed: {last[0]}")

    return Step(job.name, "servers", lambda _say: _once(stack, job.name, revision(*sources), run), job.starts_after)


async def _databases(stack: Stack) -> None:
    sql = (LOCAL / "config" / "database.sql").read_text()
    for name in DATABASES:
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
