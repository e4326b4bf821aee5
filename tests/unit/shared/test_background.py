"""Work beside the requests."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from photomesh_shared.concurrency.background import in_background
from tests.support.cancellation import await_a_task_that_was_cancelled
from tests.support.clock import FakeClock, settle


async def test_work_lasts_as_long_as_the_context() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with in_background("work", work, FakeClock()) as task:
        await settle()
        assert not task.done()
        assert ended == []
    assert task.cancelled()
    assert ended == ["cancelled"]


async def test_what_fails_is_logged_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, started = FakeClock(), list[float]()

    async def work() -> None:
        started.append(clock.monotonic())
        if len(started) < 4:
            raise RuntimeError(f"fault {len(started)}")
        await asyncio.Event().wait()

    async with in_background("work", work, clock):
        await settle()
        await clock.advance(20)
    pauses = [later - earlier for earlier, later in pairwise(started)]
    assert len(pauses) == 3
    assert all(full / 2 <= pause <= full for pause, full in zip(pauses, (1, 2, 4), strict=True))
    assert [record.__dict__["work"] for record in caplog.records] == ["work"] * 3


async def test_work_that_is_cut_off_is_started_again() -> None:
    """By a cancellation that nobody asked for; see `photomesh_shared.concurrency.cancellation`."""
    clock, started = FakeClock(), 0

    async def work() -> None:
        nonlocal started
        started += 1
        await await_a_task_that_was_cancelled()

    async with in_background("work", work, clock) as task:
        await settle()
        await clock.advance(1)
        assert started == 2
        assert not task.done()


async def test_an_error_in_the_context_still_ends_the_work() -> None:
    tasks: list[asyncio.Task[None]] = []

    async def work() -> None:
        await asyncio.Event().wait()

    async def fail() -> None:
        async with in_background("work", work, FakeClock()) as task:
            tasks.append(task)
            await settle()
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        await fail()
    assert tasks[0].cancelled()
