"""One program at a time: what tests of bad days, and people who debug, do to a stack that is up."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from photomesh_local.configuration.stack import Stack
from photomesh_local.lifecycle.readiness import blocking, until_ready
from photomesh_local.lifecycle.up_and_down import DEADLINE, PROGRAMS
from photomesh_local.processes.orphans import pid_file, pid_of
from photomesh_local.processes.sockets import descendants
from photomesh_local.processes.supervisor import Supervisor
from photomesh_local.servers import SERVERS
from photomesh_local.services import SERVICES

_STOPPING_SECONDS = 10.0


def start(stack: str, program: str, *, wait: bool = True) -> None:
    """Start a program that was stopped, or that ended, as it was last configured."""
    Supervisor(Stack(stack)).start(program)
    if wait:
        ready(stack, program)


def stop(stack: str, program: str) -> None:
    """Stop a program and return when it is gone; it stays away until `start` or `restart`."""
    Supervisor(Stack(stack)).stop(program)


def restart(
    stack: str,
    program: str,
    env: Mapping[str, str] | None = None,
    *,
    autorestart: bool = True,
    wait: bool = True,
) -> None:
    """Stop a program and start it again, with variables of `env` on top of its own.

    Without `env` it is as `up` would start it. `autorestart=False` leaves it dead once it dies, which is
    what a failpoint that kills wants.
    """
    where = Stack(stack)
    supervisor = Supervisor(where)
    server = PROGRAMS[program]
    server.prepare(where)
    usual = server.program(where)
    wanted = replace(usual, environment={**usual.environment, **(env or {})}, autorestart=autorestart)
    supervisor.remove(program)
    supervisor.apply(wanted)
    if wait:
        ready(stack, program)


def services_of(stack: str) -> list[str]:
    """Our own programs (not the servers) that the stack's supervisor knows, running or not."""
    return [name for name in Supervisor(Stack(stack)).states() if name in SERVICES]


def servers_of(stack: str) -> list[str]:
    """The servers that the stack's supervisor knows, running or not."""
    return [name for name in Supervisor(Stack(stack)).states() if name in SERVERS]


def kill(stack: str, program: str, number: int = signal.SIGKILL) -> int:
    """Send a signal to a program's own process; its process id."""
    process = pid(stack, program)
    os.kill(process, number)
    return process


def pause(stack: str, program: str) -> None:
    """Suspend a program with its children, as if the machine stood still; connections stay open. Returns once all of
    their threads stand: a signal reaches one of them first, and on a busy machine the others go on until it has run."""
    _signal_all(stack, program, signal.SIGSTOP)
    ends = time.monotonic() + _STOPPING_SECONDS
    while not all(map(_stands, descendants(pid(stack, program)))) and time.monotonic() < ends:
        time.sleep(0.01)


def resume(stack: str, program: str) -> None:
    """Continue a program that was paused."""
    _signal_all(stack, program, signal.SIGCONT)


def _signal_all(stack: str, program: str, number: int) -> None:
    for process in descendants(pid(stack, program)):
        os.kill(process, number)


def _stands(process: int) -> bool:
    """Whether all threads of a process are stopped, or it is gone."""
    for status in Path(f"/proc/{process}/task").glob("*/stat"):
        with suppress(OSError):  # a thread that has just ended
            if status.read_text().rpartition(") ")[2][:1] not in "TtZX":
                return False
    return True


def pid(stack: str, program: str) -> int:
    """The process id of a running program; ProcessLookupError when it does not run."""
    process = pid_of(pid_file(Stack(stack), program))
    if process is None:
        raise ProcessLookupError(f"{program} of the {stack} stack does not run")
    return process


def ready(stack: str, program: str) -> None:
    """Return once the program answers; StackError when it does not stay up, TimeoutError when it takes too long."""
    where = Stack(stack)
    supervisor = Supervisor(where)
    answers = until_ready(lambda: PROGRAMS[program].probe(where), life=lambda: supervisor.life(program))
    blocking(asyncio.wait_for(answers, DEADLINE))
