"""Clocks for tests: one that a test moves by hand, and an event loop in which waiting takes no time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from photomesh_shared.clock import SystemClock

__all__ = ["FakeClock", "LoopClock", "MovableClock", "run_virtually"]

T = TypeVar("T")
_START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


class FakeClock:
    """Time stands still until `advance`."""

    def __init__(self, now: datetime = _START) -> None:
        self._now = now
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._elapsed + seconds, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Moves time on, waking sleepers in the order of their alarms and letting each run."""
        end = self._elapsed + seconds
        while due := [sleeper for sleeper in self._sleepers if sleeper[0] <= end]:
            alarm, future = min(due, key=lambda sleeper: sleeper[0])
            self._sleepers.remove((alarm, future))
            self._elapsed = max(self._elapsed, alarm)
            if not future.done():
                future.set_result(None)
            await settle()
        self._elapsed = end
        await settle()


class MovableClock(SystemClock):
    """The machine's clock, and ahead of it by as much as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return super().now() + self.ahead


async def settle(rounds: int = 20) -> None:
    """Lets tasks that are ready run."""
    for _ in range(rounds):
        await asyncio.sleep(0)


class LoopClock:
    """The time of the running event loop, which `run_virtually` makes up."""

    def now(self) -> datetime:
        return _START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Jump(selectors.SelectSelector):
    """Instead of waiting for nothing to happen, moves the loop's time on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("every task waits for something that will never happen")
        self.now += timeout
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now


def run_virtually(coroutine: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine to its end on a loop of its own, whose time jumps whenever nothing is ready to run: hours pass
    in milliseconds, and the same seed gives the same schedule."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(coroutine)
