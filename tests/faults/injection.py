"""Faults of a schedule, brought about and ended."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

import photomesh_local as local
from photomesh_local.configuration.registry import PROGRAMS
from photomesh_local.servers import SERVERS
from tests.faults.connections import can_cut, cut
from tests.faults.rewinding import rewind
from tests.faults.schedule import Fault, Kind
from tests.support.redis import as_administrator
from tests.support.servers import Servers, source

__all__ = ["inject", "kinds_of_faults"]

_STACK = "test"


def kinds_of_faults() -> Mapping[str, Sequence[Kind]]:
    """Every program of the stack, with what can happen to it here."""
    cutting: list[Kind] = ["cut"] if can_cut() else []
    kinds: dict[str, Sequence[Kind]] = {}
    for server in SERVERS if source() == "native" else [server for server in SERVERS if server != "mail"]:
        flush: list[Kind] = ["flush"] if server == "redis" else []
        kinds[server] = ["kill", "kill", "pause", "stop", *(cutting if source() == "native" else ()), *flush]
    for service in local.services_of(_STACK):
        repeating: list[Kind] = ["rewind"] if PROGRAMS[service].group else []
        kinds[service] = ["kill", "kill", "pause", "stop", "restart", *cutting, *repeating]
    return kinds


async def inject(servers: Servers, faults: Sequence[Fault], say: Callable[[str], None] = lambda _: None) -> None:
    """Return when the last fault has ended. If cancelled, every fault that has begun is ended first.

    On a slow machine a server may take longer to start than the schedule has it rest: its next fault waits.
    """
    turns = {fault.program: asyncio.Lock() for fault in faults}
    async with asyncio.TaskGroup() as group:
        for fault in faults:
            group.create_task(_at_its_time(servers, fault, say, turns[fault.program]))


async def _at_its_time(servers: Servers, fault: Fault, say: Callable[[str], None], turn: asyncio.Lock) -> None:
    await asyncio.sleep(fault.at)
    async with turn:
        await _inject(servers, fault, say)


async def _inject(servers: Servers, fault: Fault, say: Callable[[str], None]) -> None:
    say(f"    {fault.kind} {fault.program}" + (f" for {fault.seconds:.0f} s" if fault.seconds else ""))
    if fault.kind in _MOMENTARY:
        await _MOMENTARY[fault.kind](fault)
        return
    begin, end = _means(servers, fault)
    try:
        # A program that just died of another's fault cannot be signalled; then this is no fault of its own. A server
        # that starts slower than it may is judged when all are: `checks.health` waits for longer.
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            await asyncio.to_thread(begin, fault.program)
        await asyncio.sleep(fault.seconds)
    finally:
        with contextlib.suppress(ProcessLookupError, TimeoutError):
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
        "stop": (lambda program: local.stop(_STACK, program), _start),
        "restart": (lambda program: local.stop(_STACK, program), _start),
    }[fault.kind]


def _start(program: str) -> None:
    local.start(_STACK, program, wait=False)


def _nothing(_program: str) -> None:
    """A killed program starts by itself."""


async def _cut(fault: Fault) -> None:
    with contextlib.suppress(ProcessLookupError):
        await asyncio.to_thread(lambda: cut(local.pid(_STACK, fault.program)))


async def _rewind(fault: Fault) -> None:
    """Only while nobody consumes can a group's position be set."""
    await asyncio.to_thread(local.stop, _STACK, fault.program)
    try:
        await rewind(PROGRAMS[fault.program].group or fault.program, str(fault))
    finally:
        await asyncio.shield(asyncio.to_thread(_start, fault.program))


async def _flush(_fault: Fault) -> None:
    """Of all databases: leases, limits and locks as well as feeds."""
    with contextlib.suppress(RedisError, OSError, TimeoutError):  # it is down
        async with (
            Redis.from_url(as_administrator(local.environment(_STACK, "gateway")["PHOTOMESH_REDIS_URL"])) as redis,
            asyncio.timeout(5),
        ):
            await redis.flushall()


_MOMENTARY: Mapping[Kind, Callable[[Fault], Awaitable[None]]] = {"cut": _cut, "rewind": _rewind, "flush": _flush}
