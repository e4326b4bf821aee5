"""A consumer program whose loop ends, in whichever way, ends itself; its supervisor starts another."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from photomesh_shared.consumer import _consuming
from photomesh_shared.kafka.runner import ConsumerRunner
from tests.support.cancellation import await_a_task_that_was_cancelled
from tests.support.clock import settle


class FakeRunner:
    def __init__(self, run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        self.run = run


def runner(run: Callable[[asyncio.Event], Awaitable[object]]) -> ConsumerRunner:
    return cast("ConsumerRunner", FakeRunner(cast("Callable[[asyncio.Event], Awaitable[None]]", run)))


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, number: sent.append(number))
    return sent


async def returns(stop: asyncio.Event) -> None:
    pass


async def is_cancelled(stop: asyncio.Event) -> None:
    await await_a_task_that_was_cancelled()


async def fails(stop: asyncio.Event) -> None:
    raise LookupError


@pytest.mark.parametrize("run", [returns, is_cancelled])
async def test_an_end_that_nobody_asked_for_ends_the_process(
    run: Callable[[asyncio.Event], Awaitable[None]], signals: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    async with _consuming(runner(run)):
        await settle()
        assert signals == [signal.SIGTERM]
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


async def test_a_failure_ends_the_process_and_is_raised(signals: list[int], caplog: pytest.LogCaptureFixture) -> None:
    async def consume() -> None:
        async with _consuming(runner(fails)):
            await settle()

    with pytest.raises(LookupError):
        await consume()
    assert signals == [signal.SIGTERM]
    assert caplog.records[0].exc_info is not None


async def test_a_stop_that_was_asked_for_is_waited_for(signals: list[int]) -> None:
    finished: list[str] = []

    async def run(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0)
        finished.append("records in progress")

    async with _consuming(runner(run)):
        await settle()
    assert finished == ["records in progress"]
    assert signals == []
