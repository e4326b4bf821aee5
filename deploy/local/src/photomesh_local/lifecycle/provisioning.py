"""What must exist before the services start: databases, schemas, topics, buckets.

Each step remembers, beside the data, the revision of the code it last ran with; it is run again when that changes.
"""

import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

from photomesh_local.configuration import registry
from photomesh_local.configuration.environment import DATABASES, environment, kafka_environment
from photomesh_local.configuration.registry import REGISTRY_FILE, Program
from photomesh_local.configuration.secrets import kafka_password
from photomesh_local.configuration.stack import LOCAL, ROOT, Stack
from photomesh_local.lifecycle.steps import Step
from photomesh_local.processes.program import StackError
from photomesh_local.servers.postgres import psql
from photomesh_local.services import revision

_SHARED = ROOT / "shared" / "src" / "photomesh_shared"
_SOURCES = {
    "topics": [_SHARED / "provision.py", _SHARED / "events", _SHARED / "kafka" / "admin"],
    "cassandra-roles": [REGISTRY_FILE, _SHARED / "provision.py", _SHARED / "stores" / "cassandra_roles.py"],
    "buckets": [_SHARED / "provision.py", _SHARED / "stores" / "object_storage.py"],
}
KAFKA_USERS_FILE = ROOT / "deploy" / "kafka-users.toml"
_STORES = _SHARED / "stores"


def steps(stack: Stack) -> list[Step]:
    """They belong to the servers, which are of no use without topics, buckets and tables."""
    names = " ".join(DATABASES)
    passwords = hashlib.sha256(_kafka_passwords(stack).encode()).hexdigest()
    users = f"{revision(KAFKA_USERS_FILE, *_SOURCES['topics'])} {passwords}"
    return [
        Step("databases", "servers", lambda _say: _once(stack, "databases", names, _databases), ["postgres"]),
        Step("kafka-users", "servers", lambda _say: _once(stack, "kafka-users", users, _kafka_users), ["kafka"]),
        *(_job(stack, program) for program in registry.PROGRAMS.values() if program.kind == "job"),
    ]


def _job(stack: Stack, job: Program) -> Step:
    """A step that runs a job of the registry when one of its sources changed."""
    sources = _SOURCES.get(job.name) or [ROOT / job.deployable.folder / "migrations", _STORES]

    async def run(stack: Stack) -> None:
        await _run(stack, job.name, job.module, environment(stack, job.name))

    return Step(job.name, "servers", lambda _say: _once(stack, job.name, revision(*sources), run), job.starts_after)


async def _run(stack: Stack, name: str, module: str, variables: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module.split()),
        env={**os.environ, **variables},
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
        raise StackError(f"{module} failed: {last[0]}")


def _kafka_passwords(stack: Stack) -> str:
    return json.dumps({user: stack.secrets[kafka_password(user)] for user in registry.KAFKA_USERS})


async def _kafka_users(stack: Stack) -> None:
    values = {
        **kafka_environment(stack),
        "PHOTOMESH_KAFKA_USERS_FILE": str(KAFKA_USERS_FILE),
        "PHOTOMESH_KAFKA_PASSWORDS": _kafka_passwords(stack),
    }
    await _run(stack, "kafka-users", "photomesh_shared.provision users", values)


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
