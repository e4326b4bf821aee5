"""Whose the processor time is, by program of the stack."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import photomesh_local as local
from photomesh_local.lifecycle.up_and_down import PROGRAMS
from photomesh_local.processes.sockets import descendants

__all__ = ["processor_seconds", "used_since"]

_TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(stack: str) -> dict[str, float]:
    """Used so far, by program, 0 of those that are stopped; this benchmark itself is `clients`."""
    return {"clients": sum(os.times()[:2]), **{program: _of_program(stack, program) for program in PROGRAMS}}


def _of_program(stack: str, program: str) -> float:
    try:
        return sum(map(_seconds, descendants(local.pid(stack, program))))
    except ProcessLookupError:
        return 0.0


def used_since(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """The difference, largest first."""
    difference = {program: after[program] - before[program] for program in after}
    return dict(sorted(difference.items(), key=lambda item: -item[1]))


def _seconds(pid: int) -> float:
    """Of a process and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICK
