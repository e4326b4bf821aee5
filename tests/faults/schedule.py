"""Which program has which fault, when and for how long: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Fault", "outages", "schedule"]

Kind = Literal["kill", "pause", "stop"]
_KINDS: Sequence[Kind] = ("kill", "kill", "pause", "stop")
_BETWEEN = 3.0
_SHORT = (1.0, 12.0)
_LONG = (20.0, 45.0)
_LONG_SHARE = 0.1
_RECOVERY = 10.0
"""Seconds for which a program is left alone after a fault."""


@dataclass(frozen=True)
class Fault:
    at: float
    """Seconds since the schedule began."""
    program: str
    kind: Kind
    """kill: SIGKILL, and it starts again by itself · pause: SIGSTOP, then SIGCONT · stop: in good order, then start."""
    seconds: float
    """How long it is paused or stopped; 0 for a kill."""

    def __str__(self) -> str:
        return f"{self.at:.0f}s {self.kind} {self.program}" + (f" for {self.seconds:.0f}s" if self.seconds else "")


def schedule(dice: random.Random, programs: Sequence[str], seconds: float) -> list[Fault]:
    """Faults that begin within so many seconds. A program has one fault at a time; several programs may be down."""
    faults: list[Fault] = []
    free_from = dict.fromkeys(programs, 0.0)
    at = 0.0
    while (at := at + dice.expovariate(1 / _BETWEEN)) < seconds:
        if not (free := [program for program in programs if free_from[program] <= at]):
            continue
        program, kind = dice.choice(free), dice.choice(_KINDS)
        lasting = 0.0 if kind == "kill" else dice.uniform(*(_LONG if dice.random() < _LONG_SHARE else _SHORT))
        faults.append(Fault(at, program, kind, lasting))
        free_from[program] = at + lasting + _RECOVERY
    return faults


def outages(servers: Sequence[str], lengths: Sequence[float]) -> list[list[Fault]]:
    """For each length in seconds, an outage of each server by itself, one after the other."""
    return [[Fault(1.0, server, "stop", seconds)] for seconds in lengths for server in servers]
