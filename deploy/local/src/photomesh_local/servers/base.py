"""What every server module offers, and the small things that several need."""

import asyncio
import hashlib
import os
import shutil
import socket
import subprocess
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from photomesh_local.configuration.stack import LIB, Stack
from photomesh_local.processes.program import Program, StackError

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """`prepare` writes configuration and makes an empty store, and is harmless when that is done already;
    `probe` raises until the server really answers."""

    name: str
    prepare: Callable[[Stack], None]
    program: Callable[[Stack], Program]
    probe: Callable[[Stack], Awaitable[None]]
    on_demand: bool = False
    """Whether the group `servers` leaves it out, because few need it: it starts by its name, or with what needs it."""


def find(program: str, package: str, *folders: str) -> str:
    """Path of an installed program, or an error that names the Debian package to install."""
    path = shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *folders]))
    if path is None:
        raise StackError(f"{program} is not installed: `make setup` installs it, or install {package} yourself")
    return path


@cache
def java17() -> str:
    """Java 17 and no other: Cassandra 5.0 does not start on a newer one."""
    homes = [os.environ.get("JAVA_HOME", ""), *sorted(map(str, Path("/usr/lib/jvm").glob("*17*")))]
    on_path = shutil.which("java")
    for java in [*(f"{home}/bin/java" for home in homes if home), *([on_path] if on_path else [])]:
        if os.access(java, os.X_OK):
            asked = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
            if 'version "17.' in asked.stderr:
                return java
    raise StackError("Java 17 is not installed: `make setup` installs it (Debian: openjdk-17-jre-headless)")


def java_names(stack: Stack) -> str:
    """A Java option: the names that this machine's servers may look up, from a file of ours.

    Cassandra asks for the address of its own host name and does not start without; in a chroot or a container
    without a name server there is none.
    """
    file = stack.run / "hosts"
    file.write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
    return f"-Djdk.net.hosts.file={file}"


def class_path(library: str) -> str:
    folder = LIB / library
    if not any(folder.glob("*.jar")):
        raise StackError(f"{folder} has no jars: `make setup` fetches them")
    return f"{folder}/*"


def digest(*paths: Path) -> str:
    """A revision of configuration files: the same text, the same revision."""
    together = hashlib.sha256()
    for path in paths:
        together.update(path.read_bytes())
    return together.hexdigest()[:16]


def run(command: Sequence[str], **options: object) -> str:
    """Run a preparing command to its end; its output, or an error that shows it."""
    done = subprocess.run(  # type: ignore[call-overload]  # options are passed through as they come
        list(command), capture_output=True, text=True, check=False, **{"stdin": subprocess.DEVNULL, **options}
    )
    if done.returncode != 0:
        raise StackError(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")
    return str(done.stdout)


async def http_ok(port: int, path: str, accepted: Collection[int] = (200,)) -> None:
    """Raise unless a GET is answered with an accepted status."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
        status = (await reader.readline()).decode().strip()
        if status.split(" ")[1:2] not in ([str(code)] for code in accepted):
            raise ConnectionError(f"{path} answers {status or 'nothing'}")
    finally:
        writer.close()
