"""When calls are made, and when they fail at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from photomesh_shared.concurrency.circuit_breaker import CircuitBreaker, CircuitOpen
from tests.support.clock import FakeClock


class Down(Exception):
    """The server failed."""


class Scene:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.breaker = CircuitBreaker(self.clock, failures=(Down,), threshold=3, open_seconds=2)

    def call(self, error: type[BaseException] | None = None) -> None:
        with self.breaker.call():
            if error:
                raise error

    def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(Down):
                self.call(Down)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_failures_in_a_row_open_it(scene: Scene) -> None:
    scene.fail(2)
    scene.call()
    scene.fail(3)
    with pytest.raises(CircuitOpen):
        scene.call()


async def test_a_successful_trial_closes_it(scene: Scene) -> None:
    scene.fail(3)
    await scene.clock.advance(1.9)
    with pytest.raises(CircuitOpen):
        scene.call()
    await scene.clock.advance(0.1)
    scene.call()
    scene.call()


async def test_a_failed_trial_keeps_it_open(scene: Scene) -> None:
    scene.fail(3)
    await scene.clock.advance(2)
    scene.fail(1)
    with pytest.raises(CircuitOpen):
        scene.call()
    await scene.clock.advance(2)
    scene.call()


async def test_one_trial_at_a_time(scene: Scene) -> None:
    scene.fail(3)
    await scene.clock.advance(2)
    with scene.breaker.call(), pytest.raises(CircuitOpen):
        scene.call()
    scene.call()


async def test_a_cancelled_trial_leaves_room_for_the_next(scene: Scene) -> None:
    scene.fail(3)
    await scene.clock.advance(2)
    with suppress(asyncio.CancelledError):
        scene.call(asyncio.CancelledError)
    scene.call()
    scene.call()


def test_other_errors_do_not_count(scene: Scene) -> None:
    for _ in range(5):
        with pytest.raises(LookupError):
            scene.call(LookupError)
    assert not scene.breaker.is_open
