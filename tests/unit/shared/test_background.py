"""Work beside the requests."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_shared.background import in_background
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
    clock, started = FakeClock(), 0

    async def work() -> None:
        nonlocal started
        started += 1
        if started < 4:
            raise RuntimeError(f"fault {started}")
        await asyncio.Event().wait()

    async with in_background("work", work, clock):
        await settle()
        assert started == 1
        for again, seconds in ((2, 1), (3, 2), (4, 4)):  # each time a longer pause
            await clock.advance(seconds - 0.1)
            assert started == again - 1
            await clock.advance(0.1)
            assert started == again
    assert [record.__dict__["work"] for record in caplog.records] == ["work"] * 3


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
