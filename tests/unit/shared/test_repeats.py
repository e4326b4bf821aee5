"""Calls that failed are repeated until they succeed."""

from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY

from photomesh_shared.concurrency.background import in_background
from photomesh_shared.concurrency.repeats import Repeats
from photomesh_shared.errors import Unavailable
from tests.support.clock import LoopClock, run_virtually


class _Service:
    """Fails until it is up."""

    def __init__(self) -> None:
        self.up = False
        self.tries = 0
        self.received: list[str] = []

    async def put(self, text: str) -> None:
        self.tries += 1
        if not self.up:
            raise Unavailable
        self.received.append(text)


def pending() -> float | None:
    return REGISTRY.get_sample_value("photomesh_repeats_pending")


def test_calls_are_repeated_until_they_succeed_and_not_again() -> None:
    async def scenario() -> None:
        service, repeats = _Service(), Repeats(LoopClock())
        async with in_background("tests", repeats.run, LoopClock()):
            for name in "abc":
                repeats.add(name, lambda name=name: service.put(name))  # type: ignore[misc]
            await asyncio.sleep(600)
            assert service.received == []
            assert pending() == 3
            assert (REGISTRY.get_sample_value("photomesh_repeats_oldest_seconds") or 0) > 500
            assert service.tries < 600, "it backs off"
            service.up = True
            await asyncio.sleep(60)
            assert sorted(service.received) == ["a", "b", "c"]
            assert pending() == 0
            await asyncio.sleep(600)
            assert len(service.received) == 3
            assert REGISTRY.get_sample_value("photomesh_repeats_oldest_seconds") == 0

    run_virtually(scenario())


def test_a_later_call_replaces_an_earlier_one() -> None:
    async def scenario() -> None:
        service, repeats = _Service(), Repeats(LoopClock())
        async with in_background("tests", repeats.run, LoopClock()):
            repeats.add("a", lambda: service.put("old"))
            await asyncio.sleep(30)
            repeats.add("a", lambda: service.put("new"))
            service.up = True
            await asyncio.sleep(60)
            assert service.received == ["new"]

    run_virtually(scenario())


def test_no_more_are_kept_than_the_limit() -> None:
    async def scenario() -> None:
        service, repeats = _Service(), Repeats(LoopClock(), limit=2)
        service.up = True
        async with in_background("tests", repeats.run, LoopClock()):
            for name in "abc":
                repeats.add(name, lambda name=name: service.put(name))  # type: ignore[misc]
            await asyncio.sleep(60)
            assert sorted(service.received) == ["a", "b"]

    run_virtually(scenario())
