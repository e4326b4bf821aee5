"""Faults of a schedule, brought about and ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import photomesh_local as local
from photomesh_local.servers import SERVERS
from tests.faults.schedule import Fault
from tests.support.servers import Servers

__all__ = ["inject"]

_STACK = "test"


async def inject(servers: Servers, faults: Sequence[Fault]) -> None:
    """Return when the last fault has ended. If cancelled, every fault that has begun is ended first."""
    async with asyncio.TaskGroup() as group:
        for fault in faults:
            group.create_task(_inject(servers, fault))


async def _inject(servers: Servers, fault: Fault) -> None:
    await asyncio.sleep(fault.at)
    begin, end = _means(servers, fault)
    try:
        # A program that just died of another's fault cannot be signalled; then this is no fault of its own.
        with contextlib.suppress(ProcessLookupError):
            await asyncio.to_thread(begin, fault.program)
        await asyncio.sleep(fault.seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            await asyncio.shield(asyncio.to_thread(end, fault.program))


def _means(servers: Servers, fault: Fault) -> tuple[Callable[[str], object], Callable[[str], object]]:
    """What begins a fault and what ends it."""
    if fault.program in SERVERS:
        return {
            "kill": (servers.kill, _nothing),
            "pause": (servers.pause, servers.resume),
            "stop": (servers.stop, servers.start),
        }[fault.kind]
    return {
        "kill": (lambda program: local.kill(_STACK, program), _nothing),
        "pause": (lambda program: local.pause(_STACK, program), lambda program: local.resume(_STACK, program)),
        # Without waiting: a service is ready only when what it needs is.
        "stop": (
            lambda program: local.stop(_STACK, program),
            lambda program: local.start(_STACK, program, wait=False),
        ),
    }[fault.kind]


def _nothing(_program: str) -> None:
    """A killed program starts by itself."""
