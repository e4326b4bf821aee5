"""Restarts programs that no longer work, as Kubernetes' liveness probes would: ``python -m … <stack>``.

Every ten seconds it asks each running service for `/healthz`. After three failures in a row it sends SIGTERM, after
three more SIGKILL; the supervisor starts the program again. Failures count from a process's first success, so a slow
start is none.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from photomesh_local.configuration import registry
from photomesh_local.configuration.ports import OFFSET_VARIABLE
from photomesh_local.configuration.stack import ROOT, Stack
from photomesh_local.processes.program import Program
from photomesh_local.processes.supervisor import Supervisor
from photomesh_local.servers.base import http_ok
from photomesh_local.services import SERVICES, revision

__all__ = ["NAME", "Watch", "program", "watch"]

log = logging.getLogger(__name__)

NAME = "liveness"
_TERMINATE, _KILL = 3, 6
"""Failures in a row, as `failureThreshold` of the manifests, and after as many again."""


@dataclass
class Watch:
    """The failures of one program."""

    process: int = 0
    seen_healthy: bool = False
    failures: int = 0

    def judge(self, process: int, healthy: bool) -> signal.Signals | None:
        """Take in one answer; return the signal to send, if any."""
        if process != self.process:
            self.process, self.seen_healthy, self.failures = process, False, 0
        if healthy:
            self.seen_healthy, self.failures = True, 0
        elif self.seen_healthy:
            self.failures += 1
        return {_TERMINATE: signal.SIGTERM, _KILL: signal.SIGKILL}.get(self.failures)


def program(stack: Stack) -> Program:
    """Return this module as a program of the stack."""
    kept = {name: os.environ[name] for name in ("PATH", OFFSET_VARIABLE) if name in os.environ}
    command = (sys.executable, "-m", "photomesh_local.lifecycle.liveness", stack.name)
    return Program(NAME, command, environment=kept, revision=revision(ROOT / "deploy" / "local" / "src"))


async def _healthy(stack: Stack, name: str, patience: float) -> bool:
    try:
        async with asyncio.timeout(patience):
            await http_ok(stack.ports[registry.PROGRAMS[name].variable], "/healthz")
    except (OSError, EOFError, TimeoutError):
        return False
    return True


async def watch(stack: Stack, watches: Mapping[str, Watch], *, every: float = 10.0, patience: float = 3.0) -> None:
    """Watch services of a stack, by name, until cancelled; in seconds, as `periodSeconds` and `timeoutSeconds`."""
    supervisor = Supervisor(stack)
    while True:
        await asyncio.sleep(every)
        information = await asyncio.to_thread(supervisor.information)
        running = {name: info["pid"] for name, info in information.items() if info["statename"] == "RUNNING"}
        names = [name for name in watches if name in running]
        answers = await asyncio.gather(*(_healthy(stack, name, patience) for name in names))
        for name, healthy in zip(names, answers, strict=True):
            if number := watches[name].judge(running[name], healthy):
                log.warning("%s does not answer: sending %s to process %d", name, number.name, running[name])
                with suppress(ProcessLookupError):
                    os.kill(running[name], number)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(watch(Stack(sys.argv[1]), {name: Watch() for name in SERVICES}))
