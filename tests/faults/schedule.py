"""Which program has which fault, when and for how long: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["LONG", "Fault", "Kind", "outages", "schedule"]

Kind = Literal["kill", "pause", "stop", "restart", "cut", "rewind", "flush"]
"""
kill      SIGKILL; it starts again by itself
pause     SIGSTOP, then SIGCONT
stop      shut down in good order, and started later
restart   shut down in good order, and started at once
cut       every connection of it ends
rewind    a consumer's group begins again at an earlier record, or at the first: everything is delivered twice
flush     a Redis loses all it holds
"""
_LASTING = ("pause", "stop")
_BETWEEN = 3.0
_SHORT = (1.0, 12.0)
LONG = (20.0, 70.0)
_LONG_SHARE = 0.1
_RECOVERY = 10.0
"""Seconds for which a program is left alone after a fault."""


@dataclass(frozen=True)
class Fault:
    at: float
    """Seconds since the schedule began."""
    program: str
    kind: Kind
    seconds: float = 0.0
    """How long it is paused or stopped; 0 for what has no length."""

    def __str__(self) -> str:
        return f"{self.at:.0f}s {self.kind} {self.program}" + (f" for {self.seconds:.0f}s" if self.seconds else "")


def schedule(
    dice: random.Random,
    kinds: Mapping[str, Sequence[Kind]],
    seconds: float,
    *,
    between: float = _BETWEEN,
    long: tuple[float, float] = LONG,
) -> list[Fault]:
    """Faults that begin within so many seconds, one every `between` seconds on average. `kinds` of each program: one
    that is listed twice comes twice as often. A program has one fault at a time; several programs may be down."""
    faults: list[Fault] = []
    free_from = dict.fromkeys(kinds, 0.0)
    at = 0.0
    while (at := at + dice.expovariate(1 / between)) < seconds:
        if not (free := [program for program in kinds if free_from[program] <= at]):
            continue
        program = dice.choice(free)
        kind = dice.choice(kinds[program])
        lasting = dice.uniform(*(long if dice.random() < _LONG_SHARE else _SHORT)) if kind in _LASTING else 0.0
        faults.append(Fault(at, program, kind, lasting))
        free_from[program] = at + lasting + _RECOVERY
    return faults


def outages(servers: Sequence[str], lengths: Sequence[float]) -> list[list[Fault]]:
    """For each length in seconds, an outage of each server by itself, one after the other."""
    return [[Fault(1.0, server, "stop", seconds)] for seconds in lengths for server in servers]
