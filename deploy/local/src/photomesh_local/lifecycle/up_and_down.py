"""Up, down and clean: the life of a stack as ordinary processes."""

import asyncio
import os
import shutil
import threading
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, Self

from photomesh_local.configuration import registry
from photomesh_local.configuration.stack import Stack
from photomesh_local.lifecycle import display, liveness, provisioning
from photomesh_local.lifecycle.readiness import blocking, until_ready
from photomesh_local.lifecycle.steps import Display, Progress, Step, run_steps, with_needs
from photomesh_local.processes import orphans, sockets
from photomesh_local.processes.program import StackError
from photomesh_local.processes.supervisor import Supervisor
from photomesh_local.servers import SERVERS, Server, cassandra, postgres
from photomesh_local.services import SERVICES

PROGRAMS = SERVERS | SERVICES
DEADLINE = 150.0
"""Seconds that one step may take; the slowest, Cassandra on a cold disk, needs about 20."""


class Screen(Display, Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: Any) -> None: ...


def up(
    stack: str | Stack,
    only: Collection[str] | str | None = None,
    screen: Callable[[Collection[Step], str], Screen] | None = None,
    *,
    elsewhere: Collection[str] = (),
) -> list[Progress]:
    """Bring up a stack, or `only` some programs or groups (servers, services) and what they need.

    Servers named in `elsewhere` already run, in containers, on the stack's ports: they are waited for, not started.
    Idempotent. Raises StackError, with the end of the log, for what does not become ready.
    """
    stack = stack if isinstance(stack, Stack) else Stack(stack)
    wanted = [only] if isinstance(only, str) else only
    with stack.locked():
        supervisor = Supervisor(stack)
        _ = stack.secrets  # written before anybody reads them
        supervisor.ensure()
        chosen = with_needs({step.name: step for step in _steps(stack, supervisor, elsewhere)}, wanted)
        with screen(chosen, f"Photomesh, stack {stack.name}") if screen else display.Silent() as shown:
            board = blocking(run_steps(chosen, shown, DEADLINE))
    failures(stack, board)
    return board


def down(stack: str | Stack) -> list[str]:
    """Stop everything, services before servers, and the supervisor itself; what was stopped. Data stays."""
    stack = stack if isinstance(stack, Stack) else Stack(stack)
    with stack.locked():
        supervisor = Supervisor(stack)
        if not supervisor.running():
            return orphans.stop_all(stack)
        running = list(supervisor.states())
        for group in ((liveness.NAME,), SERVICES, SERVERS):
            members = [name for name in running if name in group]
            with ThreadPoolExecutor(max_workers=max(1, len(members))) as pool:
                list(pool.map(supervisor.stop, members))
        supervisor.stop_supervisor()
        return running


def clean(stack: str | Stack) -> None:
    """Stop everything and forget it all: data, logs, secrets."""
    stack = stack if isinstance(stack, Stack) else Stack(stack)
    down(stack)
    for elsewhere in (postgres.home(stack).parent, cassandra.home(stack).parent):
        if elsewhere != stack.data:
            shutil.rmtree(elsewhere, ignore_errors=True)
    if stack.directory.exists():
        shutil.rmtree(stack.directory)


def _steps(stack: Stack, supervisor: Supervisor, elsewhere: Collection[str]) -> list[Step]:
    # The supervisor works through one call at a time; a call that changes it must not interleave with another.
    lock = threading.Lock()
    run = partial(_run_program, stack, supervisor, lock)
    wait = partial(wait_for, stack)
    return [
        *(
            Step(
                name,
                "on demand" if server.on_demand else "servers",
                partial(wait if name in elsewhere else run, server),
            )
            for name, server in SERVERS.items()
        ),
        *provisioning.steps(stack),
        *(
            Step(name, "services", partial(run, service), registry.PROGRAMS[name].starts_after)
            for name, service in SERVICES.items()
        ),
        Step(liveness.NAME, "services", partial(_watch_liveness, stack, supervisor, lock)),
    ]


async def _run_program(
    stack: Stack, supervisor: Supervisor, lock: threading.Lock, server: Server, say: Callable[[str], None]
) -> str:
    def start() -> bool:
        server.prepare(stack)
        program = server.program(stack)
        with lock:
            if program.name not in supervisor.states():
                _check_port(stack, program.name)
            return supervisor.apply(program)

    say("preparing")
    started = await asyncio.to_thread(start)
    await until_ready(lambda: server.probe(stack), say, lambda: supervisor.life(server.name))
    return "ready" if started else "was running"


async def _watch_liveness(
    stack: Stack, supervisor: Supervisor, lock: threading.Lock, _say: Callable[[str], None]
) -> str:
    def start() -> bool:
        with lock:
            return supervisor.apply(liveness.program(stack))

    return "started" if await asyncio.to_thread(start) else "was running"


async def wait_for(stack: Stack, server: Server, say: Callable[[str], None]) -> str:
    """Wait for a program that somebody else started."""
    await until_ready(lambda: server.probe(stack), say)
    return "ready"


def _check_port(stack: Stack, name: str) -> None:
    port = stack.ports[name.upper().replace("-", "_") if name != "seaweedfs" else "S3"]
    if sockets.is_taken(port):
        raise StackError(f"port {port} is taken by {sockets.holder(port)}; stop that, or change ports.env")


def failures(stack: Stack, board: Collection[Progress]) -> None:
    """Raise StackError if a step failed, with the end of each log."""
    if failed := [progress for progress in board if progress.status == "failed"]:
        raise StackError("\n\n".join(_failure(stack, progress) for progress in failed))


def _failure(stack: Stack, progress: Progress) -> str:
    text = f"{progress.name}: {progress.detail}"
    log = stack.logs / f"{progress.name}.log"
    if not log.exists():
        return text
    end = log.read_text(errors="replace").splitlines()[-15:]
    return os.linesep.join([text, f"The end of {log}:", *(f"  {line[:200]}" for line in end)])
