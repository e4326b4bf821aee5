"""Processes that outlived their supervisor (it was killed with -9): found by their pid files, and ended.

Every program's script writes its process id before it becomes the program. A pid may since belong to a
stranger, so a process counts as ours only if it started before its pid file was written.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

from photomesh_local.configuration.stack import Stack

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def pid_file(stack: Stack, program: str) -> Path:
    return stack.run / f"{program}.pid"


def pid_of(file: Path) -> int | None:
    """The live process that wrote this pid file, if there is one."""
    try:
        pid = int(file.read_text())
        # Field 22 of stat, counted from behind the command's name, which may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        written = file.stat().st_mtime
    except (OSError, ValueError):
        return None
    if fields[0] == "Z":
        return None
    started = time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _CLOCK_TICKS)
    return pid if started <= written + 1 else None


def alive(file: Path) -> bool:
    return pid_of(file) is not None


def stop_all(stack: Stack, patience: float = 30) -> list[str]:
    """End a lost supervisor and every program of the stack; which ones were found.

    All are asked with their polite signal first (PostgreSQL: INT), then killed with their children.
    """
    # The supervisor first and without asking: it would only start the others again.
    if (supervisor := pid_of(stack.run / "supervisord.pid")) is not None:
        _send(supervisor, signal.SIGKILL)
    found = {file.stem: pid for file in stack.run.glob("*.pid") if (pid := pid_of(file)) is not None}
    found.pop("supervisord", None)
    for name, pid in found.items():
        _send(pid, signal.SIGINT if name == "postgres" else signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(alive(pid_file(stack, name)) for name in found) and time.monotonic() < deadline:
        time.sleep(0.05)
    for name in found:
        if (left := pid_of(pid_file(stack, name))) is not None:
            _send(left, signal.SIGKILL, group=True)
    for file in stack.run.glob("*.pid"):
        file.unlink(missing_ok=True)
    return sorted(found)


def _send(pid: int, number: int, *, group: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number) if group else os.kill(pid, number)
