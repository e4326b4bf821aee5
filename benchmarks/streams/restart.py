"""A restart of the program under open streams, while things happen: what clients see, and when they are back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import photomesh_local as local
from benchmarks.streams.clients import Call

__all__ = ["Restarted", "restarted"]

_ROUNDS = 6
_RATE = 1_000  # events a second
_AT_ONCE = 20
_OPENING = 100
_PATIENCE_SECONDS = 120
_REFUSED_SECONDS = 1.0

Send = Callable[[int, str], Awaitable[object]]
"""Tells the stream of an account that a group changed."""


@dataclass(frozen=True)
class Restarted:
    """`resets`: streams that were told to read the list again; `lost` and `repeated`: events, of the others. Times are
    seconds after the signal: when one in a hundred of the streams, half of them and all had ended, and when all were
    open again."""

    streams: int
    events: int
    resets: int
    lost: int
    repeated: int
    ended: tuple[float, float, float]
    back: float


@dataclass(eq=False)
class _Client:
    """Does what `EventSource` does: reads, and connects again with its position."""

    call: Call
    port: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list)
    resets: int = 0
    ended_at: list[float] = field(default_factory=list)
    opened_at: list[float] = field(default_factory=list)
    _last_id: str = ""
    _retry: float = _REFUSED_SECONDS

    async def run(self) -> None:
        while True:
            try:
                await self._listen()
            except OSError:
                await asyncio.sleep(_REFUSED_SECONDS)  # nobody listens yet, or the server is overloaded
                continue
            self.ended_at.append(time.perf_counter())
            await asyncio.sleep(self._retry)

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**16)
        try:
            position = f"Last-Event-ID: {self._last_id}\r\n" if self._last_id else ""
            writer.write(self.call.encode()[:-2] + position.encode() + b"\r\n")
            if b" 200 " not in await reader.readline():
                raise ConnectionError("no stream")  # overloaded, or ending
            event = ""
            while line := await reader.readline():
                name, _, value = line.strip().decode().partition(": ")
                match name:
                    case "event":
                        event = value
                    case "id":
                        self._last_id = value
                    case "retry":
                        self._retry = int(value) / 1_000
                    case "data":
                        self._hear(event, value)
        finally:
            writer.close()

    def _hear(self, event: str, data: str) -> None:
        if event == "notification":
            self.seen.append(json.loads(data)["id"])
            return
        self.resets += event == "reset"
        self.opened_at.append(time.perf_counter())
        self.ready.set()


async def restarted(stack: str, program: str, accounts: Sequence[int], calls: Sequence[Call], send: Send) -> Restarted:
    """The program stops and starts, at its own pace, while each account gets an event every few seconds."""
    port = local.Stack(stack).ports[program.replace("-", "_").upper()]
    clients = [_Client(call, port) for call in calls]
    tasks: list[asyncio.Task[None]] = []
    try:
        for start in range(0, len(clients), _OPENING):
            part = clients[start : start + _OPENING]
            tasks += [asyncio.create_task(one.run()) for one in part]
            await asyncio.wait_for(asyncio.gather(*(one.ready.wait() for one in part)), _PATIENCE_SECONDS)
        groups = [f"comment.c_{number}" for number in range(_ROUNDS)]
        signalled, restart = 0.0, None
        for number, group in enumerate(groups):
            if number == 1:
                signalled = time.perf_counter()
                restart = asyncio.create_task(asyncio.to_thread(local.restart, stack, program))
            await _round(accounts, group, send)
        assert restart is not None
        await restart
        for _ in range(_PATIENCE_SECONDS):
            if all(len(one.opened_at) > 1 and (one.resets or len(set(one.seen)) == _ROUNDS) for one in clients):
                break
            await asyncio.sleep(1)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    whole = [one for one in clients if not one.resets]
    ended = sorted(one.ended_at[0] - signalled for one in clients if one.ended_at)
    back = [one.opened_at[1] - signalled for one in clients if len(one.opened_at) > 1]
    return Restarted(
        len(clients),
        len(clients) * _ROUNDS,
        len(clients) - len(whole),
        sum(_ROUNDS - len(set(one.seen)) for one in whole),
        sum(len(one.seen) - len(set(one.seen)) for one in whole),
        (ended[len(ended) // 100], ended[len(ended) // 2], ended[-1]),
        max(back) if len(back) == len(clients) else float("inf"),
    )


async def _round(accounts: Sequence[int], group: str, send: Send) -> None:
    began = time.perf_counter()
    for start in range(0, len(accounts), _AT_ONCE):
        await asyncio.sleep(max(0.0, began + start / _RATE - time.perf_counter()))
        await asyncio.gather(*(send(account, group) for account in accounts[start : start + _AT_ONCE]))
