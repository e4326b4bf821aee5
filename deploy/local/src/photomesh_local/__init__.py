"""The whole mesh on one machine, without containers.

Tests and tools use these functions; people use `make up`, `make down` and `python -m photomesh_local --help`.
"""

from photomesh_local.control import (
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
from photomesh_local.environment import environment
from photomesh_local.lifecycle import clean, down, up
from photomesh_local.program import StackError
from photomesh_local.stack import Stack

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
