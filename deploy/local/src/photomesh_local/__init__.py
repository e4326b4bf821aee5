"""The whole mesh on one machine, without containers.

Tests and tools use these functions; people use `make up`, `make down` and `python -m photomesh_local --help`.
"""

from photomesh_local.configuration.environment import environment
from photomesh_local.configuration.stack import Stack
from photomesh_local.lifecycle.control import (
    kill,
    pause,
    pid,
    ready,
    restart,
    resume,
    servers_of,
    services_of,
    start,
    stop,
)
from photomesh_local.lifecycle.up_and_down import clean, down, up
from photomesh_local.processes.program import StackError

__all__ = [
    "Stack",
    "StackError",
    "clean",
    "down",
    "environment",
    "kill",
    "pause",
    "pid",
    "ready",
    "restart",
    "resume",
    "servers_of",
    "services_of",
    "start",
    "stop",
    "up",
]
