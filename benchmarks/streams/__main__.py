"""``python -m benchmarks.streams``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop
from redis.asyncio import Redis

import photomesh_local as local
from benchmarks.report import machine, write
from benchmarks.society.tokens import tokens
from benchmarks.streams.clients import CHANNEL, Call, Clients
from benchmarks.streams.restart import Restarted, restarted
from photomesh_local.configuration.environment import redis_url
from photomesh_local.configuration.stack import Stack
from photomesh_notification.store.live import Live
from photomesh_shared.clock import SystemClock
from photomesh_shared.events import Envelope, NotificationUpdated
from photomesh_shared.events.versions import version_at
from photomesh_shared.ids import IdGenerator

_STACK, _PROGRAM = "test", "notification-stream"
_AIM_KB, _AIM_CPU_US = 20, 60
_RATE = 1_000  # events a second: slower than either server is at most
_AT_ONCE = 20
_WARM_UP = 50
_SPARE_FILES = 200
_TICK = os.sysconf("SC_CLK_TCK")
_IDLE_SECONDS = 10.0

Send = Callable[[int, int], Awaitable[object]]
"""Tells the streams of an account that something changed, in a round."""


@dataclass(frozen=True)
class Measured:
    """`cpu_us`: of the server, for each event; `idle_cpu`: share of a core while nothing happens."""

    streams: int
    open_seconds: float
    open_cpu_us: float
    kb: float
    idle_cpu: float
    events: int
    missing: int
    cpu_us: float


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000, help="of an account each (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="events of each (default: %(default)s)")
    parser.add_argument("--restart", type=int, default=5_000, help="streams of the restart (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="1,000 streams")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.streams = 1_000
    return arguments


def _say(what: str) -> None:
    print(f"… {what}", flush=True)


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / _TICK


def _resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


async def _measure(
    pid: int, port: int, calls: Sequence[Call], accounts: Sequence[int], send: Send, rounds: int
) -> Measured:
    warm_up = Clients()
    await warm_up.connect(port, calls[:_WARM_UP])
    warm_up.close()
    await asyncio.sleep(2)
    clients = Clients()
    kb, cpu, began = _resident_kb(pid), _cpu(pid), time.perf_counter()
    await clients.connect(port, calls)
    open_seconds, open_cpu = time.perf_counter() - began, _cpu(pid) - cpu
    kb = _resident_kb(pid) - kb
    cpu = _cpu(pid)
    await asyncio.sleep(_IDLE_SECONDS)
    idle = (_cpu(pid) - cpu) / _IDLE_SECONDS
    cpu = _cpu(pid)
    for number in range(rounds):
        began = time.perf_counter()
        for start in range(0, len(accounts), _AT_ONCE):
            await asyncio.sleep(max(0.0, began + start / _RATE - time.perf_counter()))
            await asyncio.gather(*(send(account, number) for account in accounts[start : start + _AT_ONCE]))
        await asyncio.sleep(1.5)  # an account gets an event each second
    events = await clients.wait_for(rounds * len(accounts))
    used = _cpu(pid) - cpu
    clients.close()
    return Measured(
        len(calls),
        open_seconds,
        open_cpu / len(calls) * 1e6,
        kb / len(calls),
        idle,
        events,
        rounds * len(accounts) - events,
        used / max(1, events) * 1e6,
    )


async def _ours(accounts: Sequence[int], rounds: int, restart: int) -> tuple[Measured, Restarted]:
    environment = local.environment(_STACK, "notification-writer")
    held = await tokens(_STACK, accounts)
    calls = [Call("/v1/notifications/stream", held[account]) for account in accounts]
    now = datetime.now(UTC)
    async with Redis.from_url(environment["PHOTOMESH_FEED_REDIS_URL"]) as redis:
        live = Live(redis)

        async def tell(account: int, group: str, number: int) -> None:
            changed = NotificationUpdated.example().model_copy(update={"recipient_id": account, "group_id": group})
            version = version_at(now + timedelta(seconds=number))
            await live.changed(account, Envelope.of(changed, entityversion=version, time=now))

        async def send(account: int, number: int) -> None:
            await tell(account, NotificationUpdated.example().group_id, number)

        async def send_group(account: int, group: str) -> None:
            await tell(account, group, 0)

        port = local.Stack(_STACK).ports["NOTIFICATION_STREAM"]
        measured = await _measure(local.pid(_STACK, _PROGRAM), port, calls, accounts, send, rounds)
        _say(f"a restart under {min(restart, len(calls)):,} streams")
        after = await restarted(_STACK, _PROGRAM, accounts[:restart], calls[:restart], send_group)
    return measured, after


async def _plain(accounts: Sequence[int], rounds: int) -> Measured:
    url = redis_url(Stack(_STACK), None, database=2)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "benchmarks.streams.plain", str(port), url)
    try:
        for _ in range(100):
            await asyncio.sleep(0.3)
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        async with Redis.from_url(url) as redis:

            async def send(account: int, number: int) -> object:
                return await redis.publish(f"{CHANNEL}{account}", f'{{"id": "like.o_{account}.{number}"}}')

            calls = [Call(f"/stream/{account}") for account in accounts]
            return await _measure(server.pid, port, calls, accounts, send, rounds)
    finally:
        server.terminate()
        await server.wait()


def _row(name: str, one: Measured) -> str:
    return (
        f"| {name} | {one.streams:,} | {one.kb:.1f} | {one.cpu_us:,.0f} | {one.open_cpu_us:,.0f} | "
        f"{one.idle_cpu:.1%} | {one.missing:,} |"
    )


def _report(ours: Measured, restart: Restarted, plain: Measured, command: str, load_before: float) -> str:
    first, half, last = restart.ended
    lines = [
        "# Open streams",
        "",
        f"`{command}` on {machine()}, load {load_before:.1f} before. Each server is one process; {ours.events:,} events"
        f" to ours, each to one stream, {_RATE:,} a second.",
        "",
        "| | streams | kB a stream | CPU µs an event | CPU µs to open | of a core while nothing happens | lost |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        _row(f"ours (aims: {_AIM_KB} kB, {_AIM_CPU_US} µs)", ours),
        _row("`fastapi.sse`, without tokens, positions and limits", plain),
        "",
        "Memory is what the process grows by while streams are opened, sockets in the kernel not included.",
        "",
        f"**A restart under {restart.streams:,} streams**, with {restart.events:,} events meanwhile:"
        f" lost {restart.lost:,}, seen twice {restart.repeated:,}, told to read the list again {restart.resets:,}."
        f" One in a hundred streams had ended {first:.1f} s after SIGTERM, half {half:.1f} s, all {last:.1f} s; all"
        f" were open again after {restart.back:.1f} s, the start of the process included.",
    ]
    summary = {"ours": asdict(ours), "restart": asdict(restart), "plain": asdict(plain)}
    return write("streams", lines, {"load_before": round(load_before, 1), **summary})


async def _run(arguments: argparse.Namespace) -> tuple[Measured, Restarted, Measured]:
    generator = IdGenerator(15, os.getpid() % 1024, SystemClock())
    accounts = [generator.next() for _ in range(arguments.streams)]
    _say(f"{len(accounts):,} streams of ours")
    ours, restart = await _ours(accounts, arguments.rounds, arguments.restart)
    _say(f"{len(accounts):,} streams by fastapi.sse")
    return ours, restart, await _plain(accounts, arguments.rounds)


def main() -> None:
    arguments = _arguments()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _SPARE_FILES
    if arguments.streams > most:
        _say(f"this machine allows a process {most:,} connections")
        arguments.streams = most
    _say(f"bringing up the {_STACK} stack")
    local.up(_STACK)
    load_before = os.getloadavg()[0]
    ours, restart, plain = uvloop.run(_run(arguments))
    print(
        _report(
            ours, restart, plain, "make bench-streams" + (' ARGS="--quick"' if arguments.quick else ""), load_before
        )
    )


if __name__ == "__main__":
    main()
