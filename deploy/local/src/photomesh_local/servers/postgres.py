"""PostgreSQL, from the distribution, with a cluster of our own beside any that is there."""

import asyncio
import os
import pwd
import shutil
import subprocess
from functools import cache
from pathlib import Path

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import Stack
from photomesh_local.processes.orphans import alive, pid_file
from photomesh_local.processes.program import Program, StackError
from photomesh_local.servers.base import HOST, Server, find, run

ADMIN = "photomesh"
_OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_min_duration_statement": "500ms",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}
# What is committed outlives a killed process, and not a power cut.
_THROWAWAY = {"fsync": "off", "full_page_writes": "off"}


def owner() -> str | None:
    """The system user that runs the server; None means our own user. PostgreSQL refuses root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError as error:
        raise StackError("PostgreSQL refuses to run as root, and there is no user postgres") from error


def _as_owner() -> list[str]:
    user = owner()
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user else []


@cache
def home(stack: Stack) -> Path:
    """The folder of the cluster. Where the checkout is closed to the server's user, it lies in /var/tmp."""
    inside = stack.data / "postgres"
    if owner() is None:
        return inside
    stack.data.mkdir(parents=True, exist_ok=True)
    open_to_owner = subprocess.run([*_as_owner(), "test", "-x", str(stack.data)], check=False).returncode == 0
    return inside if open_to_owner else Path("/var/tmp") / f"photomesh-{stack.key}" / "postgres"  # noqa: S108 (0700)


def _binaries(data: Path) -> Path:
    """The folder of the server's programs: the newest version, or the one that made the data."""
    versions = {path.parent.name: path for path in Path("/usr/lib/postgresql").glob("*/bin")}
    if (data / "PG_VERSION").exists():
        made_by = (data / "PG_VERSION").read_text().strip()
        if made_by in versions:
            return versions[made_by]
    if versions:
        return versions[max(versions, key=lambda version: [int(part) for part in version.split(".")])]
    return Path(find("postgres", "postgresql")).parent


def prepare(stack: Stack) -> None:
    folder = home(stack)
    data = folder / "data"
    if (data / "PG_VERSION").exists():
        if not alive(pid_file(stack, "postgres")):
            # Left by a kill or a power cut. After a reboot its number may be another's, and PostgreSQL would not start.
            (data / "postmaster.pid").unlink(missing_ok=True)
        return
    stack.forget("databases", *registry.jobs_on("postgres"))
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted initdb left
    folder.mkdir(parents=True, mode=0o700)
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(stack.secrets["POSTGRES_PASSWORD"])
    if user := owner():
        shutil.chown(folder, user, user)
        shutil.chown(password, user, user)
    draft = folder / "draft"  # renamed when complete, so that a half-made cluster is never started
    initdb = [str(_binaries(data) / "initdb"), "-D", str(draft), "-U", ADMIN, f"--pwfile={password}"]
    settings = ["-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", *(["--no-sync"] if stack.throwaway else [])]
    run([*_as_owner(), *initdb, *settings], cwd="/")
    password.unlink()
    draft.rename(data)


def options(stack: Stack, address: str) -> list[str]:
    """Command-line options of the stack's server, wherever it runs; it listens on `address`."""
    values = {"listen_addresses": address, "port": str(stack.ports["POSTGRES"])} | _OPTIONS
    values |= _THROWAWAY if stack.throwaway else {}
    return [word for name, value in values.items() for word in ("-c", f"{name}={value}")]


def program(stack: Stack) -> Program:
    data = home(stack) / "data"
    return Program(
        name="postgres",
        command=(
            *_as_owner(),
            str(_binaries(data) / "postgres"),
            *("-D", str(data)),
            *options(stack, HOST),
            *("-c", "unix_socket_directories="),
        ),
        stop_signal="INT",  # fast shutdown: sessions are ended, the data is left clean
    )


async def psql(stack: Stack, sql: str, database: str = "postgres") -> str:
    """Run SQL as the administrator; its rows as text. An SQL error is a StackError."""
    arguments = ["-h", HOST, "-p", str(stack.ports["POSTGRES"]), "-U", ADMIN, "-d", database]
    process = await asyncio.create_subprocess_exec(
        find("psql", "postgresql-client"),
        *arguments,
        *("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
        env={**os.environ, "PGPASSWORD": stack.secrets["POSTGRES_PASSWORD"], "PGCONNECT_TIMEOUT": "3"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(sql.encode())
    if process.returncode != 0:
        raise StackError(err.decode().strip())
    return out.decode().strip()


async def probe(stack: Stack) -> None:
    await psql(stack, "SELECT 1")


SERVER = Server("postgres", prepare, program, probe)
