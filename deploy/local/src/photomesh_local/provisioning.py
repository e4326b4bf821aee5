"""What must exist before the services start: databases, schemas, topics, buckets.

Each step remembers, beside the data, the revision of the code it last ran with; it is run again when that changes.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

from photomesh_local.environment import environment
from photomesh_local.program import StackError
from photomesh_local.servers.postgres import psql
from photomesh_local.services import member, revision
from photomesh_local.stack import LOCAL, ROOT, Stack
from photomesh_local.steps import Step

DATABASES = ("identity", "upload")
"""Role = database = service."""

_SHARED = ROOT / "shared" / "src"


def steps(stack: Stack) -> list[Step]:
    return [
        Step("databases", "servers", lambda _say: _once(stack, "databases", "1", _databases), ["postgres"]),
        _command(stack, "topics", "provision", "photomesh_shared.provision", "topics", needs=["kafka"]),
        _command(stack, "buckets", "provision", "photomesh_shared.provision", "buckets", needs=["seaweedfs"]),
        _command(stack, "identity-schema", "identity", "photomesh_identity.migrate", needs=["databases"]),
        _command(stack, "upload-schema", "upload", "photomesh_upload.migrate", needs=["databases"]),
        _command(stack, "post-schema", "post", "photomesh_post.migrate", needs=["cassandra"]),
    ]


def _command(stack: Stack, name: str, program: str, module: str, *arguments: str, needs: list[str]) -> Step:
    """A step that runs `python -m <module>` with the environment of a program."""
    folders = [_SHARED] if program == "provision" else [member(program), _SHARED]

    async def run(stack: Stack) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
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
            raise StackError(f"{module} failed: {last[0]} (all of it: {stack.logs / name}.log)")

    return Step(name, "provision", lambda _say: _once(stack, name, revision(*folders), run), needs)


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
