"""Cancellations that nobody asked for become errors; those that somebody asked for stay what they are."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_shared.concurrency.cancellation import StrayCancellation, surface_stray_cancellation
from tests.support.cancellation import await_a_task_that_was_cancelled
from tests.support.clock import settle


async def test_a_stray_cancellation_is_an_error() -> None:
    with pytest.raises(StrayCancellation), surface_stray_cancellation():
        await await_a_task_that_was_cancelled()


async def test_a_cancelled_task_is_cancelled() -> None:
    async def work() -> None:
        with surface_stray_cancellation():
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_time_limit_outside_is_a_time_limit() -> None:
    async def work() -> None:
        async with asyncio.timeout(0.01):
            with surface_stray_cancellation():
                await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()


async def test_a_task_group_that_aborts_cancels_as_usual() -> None:
    async def work() -> None:
        with surface_stray_cancellation():
            await asyncio.Event().wait()

    async def fail() -> None:
        raise LookupError

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(work())
            tasks.create_task(fail())

    with pytest.raises(ExceptionGroup) as raised:
        await group()
    assert [type(error) for error in raised.value.exceptions] == [LookupError]


async def test_other_outcomes_pass() -> None:
    with pytest.raises(LookupError), surface_stray_cancellation():
        raise LookupError
    with surface_stray_cancellation():
        await asyncio.sleep(0)
