"""Our own programs: the gateway, the services and their consumers."""

import hashlib
import sys
from functools import partial
from pathlib import Path

from photomesh_local.configuration import registry
from photomesh_local.configuration.environment import environment
from photomesh_local.configuration.stack import ROOT, Stack
from photomesh_local.processes.program import Program
from photomesh_local.servers.base import Server, http_ok

_SPANS_KEPT = 64 << 20
"""Bytes of a span file, above which the next `up` starts a new one and keeps this one as the last."""


def revision(*sources: Path) -> str:
    """Changes with any of these files, or of the source files in these folders: `up` restarts what runs older code."""
    together = hashlib.sha256()
    for path in sorted(path for source in sources for path in (source, *source.rglob("*"))):
        if path.suffix in {".py", ".sql", ".cql", ".json", ".toml", ".lock"}:
            together.update(f"{path}\0".encode() + path.read_bytes())
    return together.hexdigest()[:16]


def _prepare(stack: Stack) -> None:
    folder = stack.logs / "traces"
    folder.mkdir(parents=True, exist_ok=True)
    for spans in folder.glob("*.jsonl"):
        if spans.stat().st_size > _SPANS_KEPT:
            spans.replace(spans.with_suffix(".jsonl.1"))


def _program(stack: Stack, name: str) -> Program:
    declared = registry.PROGRAMS[name]
    folder = ROOT / declared.deployable.folder
    return Program(
        name=name,
        command=(sys.executable, *declared.command[1:]),
        environment=environment(stack, name),
        directory=folder,
        revision=revision(folder, ROOT / "shared" / "src", ROOT / "requirements.lock"),
        stop_seconds=40,  # long enough to finish a photo and commit its offset
    )


async def _probe(stack: Stack, name: str) -> None:
    await http_ok(stack.ports[registry.PROGRAMS[name].variable], "/readyz")


SERVICES: dict[str, Server] = {
    name: Server(name, _prepare, partial(_program, name=name), partial(_probe, name=name))
    for name, declared in registry.PROGRAMS.items()
    if declared.port
}
