"""What a stack looks like now, for people: URLs, state, memory."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import Stack
from photomesh_local.lifecycle.up_and_down import PROGRAMS
from photomesh_local.processes.orphans import pid_file, pid_of
from photomesh_local.processes.sockets import descendants
from photomesh_local.services import SERVICES

Row = tuple[str, ...]


def addresses(stack: Stack) -> Mapping[str, tuple[str, str]]:
    """Program → what it is called and where it answers."""
    ports = stack.ports

    def http(port: str, path: str = "") -> str:
        return f"http://127.0.0.1:{ports[port]}{path}"

    return {
        "gateway": ("API, its documentation at /docs", http("GATEWAY")),
        **{name: (name, http(registry.PROGRAMS[name].variable)) for name in SERVICES if name != "gateway"},
        "edge": ("CDN edge", http("EDGE", "/variants/<key>")),
        "shield": ("CDN shield", http("SHIELD")),
        "seaweedfs": ("object storage (S3)", http("S3")),
        "kafka": ("Kafka", f"127.0.0.1:{ports['KAFKA']}"),
        "cassandra": ("Cassandra", f"127.0.0.1:{ports['CASSANDRA']}"),
        "postgres": ("PostgreSQL", f"127.0.0.1:{ports['POSTGRES']}"),
        "mail": ("mail server, shown by `make mails`", f"127.0.0.1:{ports['MAIL']}"),
        "redis": ("Redis", f"127.0.0.1:{ports['REDIS']}"),
    }


async def status(stack: Stack, information: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Per program: name, the supervisor's word, whether it answers just now, where."""
    where = addresses(stack)

    async def row(name: str) -> Row:
        info = information.get(name)
        if info is None:
            return (name, "not started", "", where[name][1])
        try:
            async with asyncio.timeout(3):
                await PROGRAMS[name].probe(stack)
            answer = "ready"
        except Exception as error:  # noqa: BLE001  (whatever it is, it is the answer to the question)
            answer = f"not ready: {error or type(error).__name__}"
        return (name, f"{info['statename'].lower()}, {info['description']}", answer, where[name][1])

    return list(await asyncio.gather(*map(row, PROGRAMS)))


def processes(stack: Stack) -> list[Row]:
    """Per running program: name, process id, number of processes, memory; and the sum."""
    rows: list[Row] = []
    total = 0
    for name in PROGRAMS:
        if (pid := pid_of(pid_file(stack, name))) is not None:
            family = descendants(pid)
            memory = sum(map(_memory, family))
            total += memory
            rows.append((name, str(pid), str(len(family)), f"{memory >> 20} MB"))
    return [*rows, ("all", "", "", f"{total >> 20} MB")]


def _memory(pid: int) -> int:
    """Bytes; what is shared with others counts by its share (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
