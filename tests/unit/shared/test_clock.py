"""The clocks of tests and the helper on them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from photomesh_shared.clock import SystemClock, happened_within
from tests.support.clock import FakeClock, LoopClock, run_virtually, settle


async def test_time_stands_still_until_advanced_and_sleepers_wake_in_order() -> None:
    clock, woken = FakeClock(), list[tuple[str, float]]()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    tasks = [asyncio.create_task(sleeper("late", 5)), asyncio.create_task(sleeper("early", 2))]
    await settle()
    began = clock.now()
    await clock.advance(4)
    assert woken == [("early", 2)]
    await clock.advance(4)
    assert woken == [("early", 2), ("late", 5)]
    assert clock.now() - began == timedelta(seconds=8)
    await asyncio.gather(*tasks)


async def test_waiting_for_an_event_ends_with_the_event_or_the_time() -> None:
    clock, event = FakeClock(), asyncio.Event()
    waiting = asyncio.create_task(happened_within(event, 3, clock))
    await settle()
    await clock.advance(3)
    assert await waiting is False

    waiting = asyncio.create_task(happened_within(event, 3, clock))
    await settle()
    event.set()
    assert await waiting is True


def test_hours_pass_in_no_time() -> None:
    async def long() -> float:
        clock = LoopClock()
        began = clock.monotonic()
        async with asyncio.timeout(7200):
            await asyncio.gather(clock.sleep(3600), clock.sleep(1800))
        return clock.monotonic() - began

    began = SystemClock().monotonic()
    assert run_virtually(long()) == pytest.approx(3600)
    assert SystemClock().monotonic() - began < 600


def test_a_deadlock_is_an_error_rather_than_a_wait() -> None:
    with pytest.raises(RuntimeError, match="never happen"):
        run_virtually(asyncio.Event().wait())
