"""Copies are compared with their owner slowly, and repaired."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import pytest
from prometheus_client import REGISTRY

from photomesh_shared.concurrency.background import in_background
from photomesh_shared.consumer.copies import CopyReconciliation, Page, Position
from photomesh_shared.errors import Unavailable
from tests.support.clock import LoopClock, run_virtually

_DAY = 86_400.0
_PAGE = 10


class _State(NamedTuple):
    id: int
    version: int
    private: bool


def version_at(age: timedelta) -> int:
    return int((LoopClock().now() - age).timestamp() * 1_000_000)


@dataclass
class _World:
    """An owner, and a reader with its copy and its progress."""

    owned: dict[int, _State] = field(default_factory=dict)
    copied: dict[int, _State] = field(default_factory=dict)
    progress: dict[str, str] = field(default_factory=dict)
    pages: list[float] = field(default_factory=list)
    down: bool = False
    crash_at: int | None = None

    def own(self, count: int, *, age: timedelta = timedelta(days=1)) -> None:
        self.owned = {n: _State(n, version_at(age), private=True) for n in range(1, count + 1)}

    async def page(self, after: Position) -> Page[_State]:
        if self.down:
            raise Unavailable
        (last,) = after or (0,)
        self.pages.append(LoopClock().monotonic())
        found = [state for id_, state in sorted(self.owned.items()) if id_ > last][:_PAGE]
        return Page(found, (found[-1].id,) if len(found) == _PAGE else None, len(self.owned))

    async def repair(self, states: Sequence[_State]) -> int:
        older = [state for state in states if self.copied.get(state.id, _State(0, -1, private=False)) < state]
        self.copied |= {state.id: state for state in older}
        return len(older)

    async def load(self, copy: str) -> str | None:
        return self.progress.get(copy)

    async def swap(self, copy: str, before: str | None, after: str) -> bool:
        if self.crash_at is not None and len(self.pages) >= self.crash_at:
            self.crash_at = None
            raise asyncio.CancelledError
        if self.progress.get(copy) != before:
            return False
        self.progress[copy] = after
        return True

    def reader(self) -> CopyReconciliation[_State]:
        return CopyReconciliation("tests", self, self, self, LoopClock(), pass_seconds=_DAY)


def value(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"copy": "tests"}) or 0


async def run_for(seconds: float, *readers: CopyReconciliation[_State]) -> None:
    tasks = [asyncio.create_task(reader.run()) for reader in readers]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_a_pass_takes_its_time_and_repairs_everything() -> None:
    async def scenario() -> None:
        world = _World()
        world.own(2_000)
        compared = value("photomesh_copies_compared_total")
        await run_for(_DAY / 2, world.reader())
        assert 80 < len(world.pages) < 120
        await run_for(_DAY / 2, world.reader())
        assert world.copied == world.owned
        assert value("photomesh_copies_compared_total") - compared == pytest.approx(2_000, abs=3 * _PAGE)

    run_virtually(scenario())


def test_the_next_pass_begins_a_day_after_the_last_began() -> None:
    async def scenario() -> None:
        world, began = _World(), LoopClock().now().timestamp()
        world.own(5)
        await run_for(_DAY - 60, world.reader())
        assert len(world.pages) == 1
        world.copied.clear()
        await run_for(120, world.reader())
        assert len(world.pages) == 2
        assert world.copied == world.owned
        assert value("photomesh_copies_pass_timestamp_seconds") == pytest.approx(began + _DAY, abs=60)

    run_virtually(scenario())


def test_what_is_on_its_way_is_left_to_its_event() -> None:
    async def scenario() -> None:
        world = _World()
        world.own(5, age=timedelta(seconds=10))
        await run_for(60, world.reader())
        assert world.copied == {}
        await run_for(_DAY, world.reader())
        assert world.copied == world.owned

    run_virtually(scenario())


def test_a_copy_that_is_newer_stays() -> None:
    async def scenario() -> None:
        world = _World()
        world.own(5)
        newer = _State(3, version_at(timedelta(minutes=5)), private=False)
        world.copied = world.owned | {3: newer}
        repaired = value("photomesh_copies_repaired_total")
        await run_for(60, world.reader())
        assert world.copied[3] == newer
        assert value("photomesh_copies_repaired_total") == repaired

    run_virtually(scenario())


def test_one_process_walks_and_another_takes_over() -> None:
    async def scenario() -> None:
        world = _World()
        world.own(2_000)
        await run_for(_DAY / 4, world.reader(), world.reader(), world.reader())
        assert len(world.pages) < 60  # of 200 in a day
        await run_for(_DAY, world.reader())
        assert world.copied == world.owned
        assert len(world.pages) < 270

    run_virtually(scenario())


def test_after_a_crash_a_page_is_repeated_at_most() -> None:
    async def scenario() -> None:
        world = _World(crash_at=20)
        world.own(2_000)
        await run_for(_DAY / 2, world.reader())
        assert len(world.pages) == 20, "it is gone after the repair, before its position was stored"
        await run_for(_DAY, world.reader())
        assert world.copied == world.owned
        assert len(world.pages) < 20 + 205

    run_virtually(scenario())


def test_an_outage_delays_the_pass_and_nothing_else() -> None:
    async def scenario() -> None:
        world = _World(down=True)
        world.own(50)
        async with in_background("tests", world.reader().run, LoopClock()):
            await asyncio.sleep(3_600)
            assert world.copied == {}
            world.down = False
            await asyncio.sleep(3 * 3_600)
            assert world.copied == world.owned

    run_virtually(scenario())
