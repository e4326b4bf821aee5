"""Admission: places, the queue for them, and refusals."""

from __future__ import annotations

import asyncio

import pytest

from photomesh_gateway.admission import Admission
from photomesh_gateway.errors import Overloaded


async def enter(admission: Admission) -> None:
    if not admission.try_enter():
        await admission.wait()


async def test_as_many_as_there_are_places() -> None:
    admission = Admission(limit=2, queue=0, patience=1)
    assert admission.try_enter()
    assert admission.try_enter()
    assert not admission.try_enter()
    with pytest.raises(Overloaded) as refusal:
        await admission.wait()
    assert refusal.value.headers["Retry-After"] == "1"
    admission.leave()
    assert admission.try_enter()


async def test_whoever_waits_longest_is_next() -> None:
    admission = Admission(limit=1, queue=2, patience=10)
    assert admission.try_enter()
    order: list[str] = []

    async def waits(name: str) -> None:
        await enter(admission)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(waits("first"))
        group.create_task(waits("second"))
        await asyncio.sleep(0)
        admission.leave()
        await asyncio.sleep(0)
        admission.leave()
    assert order == ["first", "second"]
    assert admission.in_flight == 1


async def test_nobody_waits_for_ever() -> None:
    admission = Admission(limit=1, queue=5, patience=0.01)
    await enter(admission)
    with pytest.raises(Overloaded):
        await admission.wait()
    admission.leave()
    assert admission.in_flight == 0
    assert admission.try_enter()


async def test_a_place_given_to_someone_who_just_left_goes_on() -> None:
    admission = Admission(limit=1, queue=5, patience=10)
    await enter(admission)
    gone = asyncio.create_task(enter(admission))
    stays = asyncio.create_task(enter(admission))
    await asyncio.sleep(0)
    admission.leave()  # the place is the first one's now
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await asyncio.wait_for(stays, 1)
    assert admission.in_flight == 1


async def test_no_place_is_lost_whoever_leaves_when() -> None:
    admission = Admission(limit=3, queue=50, patience=0.002)

    async def visit(turns: int) -> None:
        await enter(admission)
        try:
            for _ in range(turns):
                await asyncio.sleep(0)
        finally:
            admission.leave()

    visits = [asyncio.create_task(visit(number % 4)) for number in range(300)]
    for number, task in enumerate(visits):
        if number % 7 == 0:
            task.cancel()
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*visits, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), Overloaded, asyncio.CancelledError}
    assert admission.in_flight == 0
