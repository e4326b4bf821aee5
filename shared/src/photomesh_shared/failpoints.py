"""Named places where a test may crash the process or raise an error.

A failpoint has no effect unless ``PHOTOMESH_FAILPOINTS`` names it and ``PHOTOMESH_ENV`` is `test` or `local`::

    PHOTOMESH_FAILPOINTS="outbox.after_publish=kill@3,runner.before_commit=raise"

``kill`` ends the process like SIGKILL (nothing is flushed, no handler runs), ``raise`` raises `FailpointReached`;
``@3`` triggers at the third pass. Modules declare their names at import; an undeclared name is an error, in the code as
in the variable, so that a typo cannot make a crash test test nothing.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "FAILPOINTS",
    "FailpointReached",
    "Failpoints",
    "configure",
    "declare",
    "failpoint",
    "failpoint_sync",
]

Action = Literal["kill", "raise"]

FAILPOINTS: dict[str, str] = {}
"""Declared names and descriptions of their places."""


class FailpointReached(Exception):
    """A failpoint set to `raise` was reached."""


def declare(name: str, where: str) -> str:
    """Declare a failpoint at import: ``AFTER_PUT = declare("media.after_put", "variants stored, not published")``."""
    if FAILPOINTS.setdefault(name, where) != where:
        raise ValueError(f"failpoint {name} is declared twice")
    return name


@dataclass
class _Armed:
    action: Action
    hits_left: int


class Failpoints:
    """The armed failpoints of an environment, and how often each was reached."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        enabled = environment.get("PHOTOMESH_ENV") in ("test", "local")
        spec = environment.get("PHOTOMESH_FAILPOINTS", "") if enabled else ""
        self._armed = dict(_parse(part) for part in spec.replace(";", ",").split(",") if part.strip())

    def reach(self, name: str) -> None:
        """Crash or raise if `name` is armed and due. Raises LookupError for undeclared names."""
        if name not in FAILPOINTS:
            raise LookupError(f"failpoint {name} is not declared")
        if not self._armed:
            return
        if unknown := self._armed.keys() - FAILPOINTS.keys():
            raise LookupError(f"PHOTOMESH_FAILPOINTS has undeclared names: {', '.join(sorted(unknown))}")
        armed = self._armed.get(name)
        if armed is None:
            return
        armed.hits_left -= 1
        if armed.hits_left != 0:
            return
        if armed.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise FailpointReached(name)


def _parse(part: str) -> tuple[str, _Armed]:
    name, _, rest = part.strip().partition("=")
    action, _, count = rest.partition("@")
    if action not in ("kill", "raise") or not (count or "1").isdecimal() or count == "0":
        raise ValueError(f"PHOTOMESH_FAILPOINTS: {part!r} is not name=kill, name=raise or name=kill@3")
    return name, _Armed("kill" if action == "kill" else "raise", int(count or "1"))


_current = Failpoints(os.environ)


def configure(environment: Mapping[str, str]) -> None:
    """Reload the failpoints from `environment`; for tests in one process."""
    global _current
    _current = Failpoints(environment)


def failpoint_sync(name: str) -> None:
    """Mark a failpoint in synchronous code."""
    _current.reach(name)


async def failpoint(name: str) -> None:
    """Mark a failpoint."""
    _current.reach(name)
