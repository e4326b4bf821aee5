"""A program of the mesh: what the supervisor must know to run it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """One process under the supervisor.

    `revision` stands for all that the command line does not show (code, configuration files): when it
    changes, the next `up` restarts the program.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path = Path("/")
    revision: str = ""
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    autorestart: bool = True


class StackError(Exception):
    """The stack cannot be brought where it should be; the message says why and what to do."""
