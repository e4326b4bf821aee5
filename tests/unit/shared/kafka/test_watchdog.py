"""What counts as stuck, and what does not."""

from __future__ import annotations

from photomesh_shared.kafka.watchdog import Watchdog
from tests.support.clock import FakeClock


class Scene:
    """A watchdog with a patience of 120 s that looks every 5 s."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.watchdog = Watchdog(self.clock, 120)

    async def observe(self, seconds: int, lag: int, *, excused: bool = False) -> None:
        for _ in range(seconds // 5):
            await self.clock.advance(5)
            self.watchdog.observe(lag, excused=excused)


async def test_an_idle_consumer_is_fine() -> None:
    scene = Scene()
    await scene.observe(3600, lag=0)
    assert not scene.watchdog.stalled
    assert not scene.watchdog.suspicious


async def test_a_slow_one_is_fine_as_long_as_something_moves() -> None:
    scene = Scene()
    for _ in range(10):
        await scene.observe(55, lag=1000)
        scene.watchdog.progressed()
    assert not scene.watchdog.stalled
    assert not scene.watchdog.suspicious


async def test_lag_without_movement_is_suspicious_and_then_stalled() -> None:
    scene = Scene()
    await scene.observe(65, lag=1)
    assert scene.watchdog.suspicious
    assert not scene.watchdog.stalled
    await scene.observe(60, lag=1)
    assert scene.watchdog.stalled


async def test_waiting_for_a_dependency_is_excused_and_begins_anew_when_it_is_back() -> None:
    scene = Scene()
    await scene.observe(3600, lag=1, excused=True)
    assert not scene.watchdog.stalled
    await scene.observe(55, lag=1)
    assert not scene.watchdog.suspicious
    await scene.observe(70, lag=1)
    assert scene.watchdog.stalled


async def test_an_unreachable_broker_is_no_stall_but_calls_for_a_new_consumer() -> None:
    scene = Scene()
    await scene.observe(10, lag=5)
    for _ in range(120):
        await scene.clock.advance(5)
        scene.watchdog.unreachable()
    assert scene.watchdog.suspicious
    assert not scene.watchdog.stalled


async def test_silence_is_a_stall() -> None:
    scene = Scene()
    await scene.clock.advance(121)
    assert scene.watchdog.stalled
