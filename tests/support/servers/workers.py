"""A test stack for each worker of pytest-xdist."""

from __future__ import annotations

import os

from photomesh_local.configuration.ports import OFFSET_VARIABLE, PORTS_FILE, read_env_file

__all__ = ["is_additional", "take_own_stack"]

_DISTANCE = 600
"""Between the ports of two workers' stacks."""


def take_own_stack(worker: str) -> None:
    """Have this process and those that it starts use the stack of the worker `gw0`, `gw1` … The first one's is the
    usual one."""
    if number := int(worker.removeprefix("gw")):
        usual = read_env_file(PORTS_FILE)["PORT_OFFSET_TEST"]
        os.environ[OFFSET_VARIABLE] = str(int(os.environ.get(OFFSET_VARIABLE, usual)) + number * _DISTANCE)


def is_additional() -> bool:
    """Whether this process is a worker whose stack nobody else uses or stops."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0"
