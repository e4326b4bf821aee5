"""Admission: places, shares of them, the queue, and refusals."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from photomesh_gateway.admission import Admission, AdmissionLimits
from photomesh_gateway.errors import Overloaded
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_shared.errors import TooManyRequests

LIMITS = AdmissionLimits(total=2, per_upstream=2, per_client=100, queue=2, patience=10)
POST, FEED = Upstream.POST, Upstream.FEED
CLIENT = "192.0.2.1"


async def enter(admission: Admission, upstream: Upstream = POST, client: str = CLIENT) -> None:
    await admission.enter(upstream, client)


async def test_as_many_as_there_are_places() -> None:
    admission = Admission(replace(LIMITS, queue=0))
    await enter(admission)
    await enter(admission)
    with pytest.raises(Overloaded) as refusal:
        await enter(admission)
    assert refusal.value.headers["Retry-After"] == "1"
    with pytest.raises(Overloaded):
        admission.refuse_if_full(POST)
    admission.leave(POST, CLIENT)
    admission.refuse_if_full(POST)
    await enter(admission)


async def test_the_longest_waiter_is_next() -> None:
    admission = Admission(replace(LIMITS, total=1))
    await enter(admission)
    order: list[str] = []

    async def wait(name: str, upstream: Upstream) -> None:
        await enter(admission, upstream)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        held = POST
        for name, upstream in {"first": FEED, "second": POST, "third": FEED}.items():
            group.create_task(wait(name, upstream))
            await asyncio.sleep(0)
        for upstream in (FEED, POST, FEED):
            admission.leave(held, CLIENT)
            held = upstream
            await asyncio.sleep(0.01)
    assert order == ["first", "second", "third"]
    assert admission.in_flight == 1


async def test_a_service_that_hangs_leaves_places_to_the_others() -> None:
    admission = Admission(replace(LIMITS, total=4, per_upstream=2, queue=1))
    for _ in range(2):
        await enter(admission, POST)
    waiting = asyncio.create_task(enter(admission, POST))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await enter(admission, POST)
    for _ in range(2):
        await enter(admission, FEED)
    admission.leave(FEED, CLIENT)
    await asyncio.sleep(0.01)
    assert not waiting.done()  # it is not post's turn, however many places there are
    admission.leave(POST, CLIENT)
    await asyncio.wait_for(waiting, 1)


async def test_a_service_that_times_out_keeps_a_few_places() -> None:
    limits = AdmissionLimits(total=100, per_upstream=16, per_client=100, queue=0, patience=1, trials=2)
    admission = Admission(limits)
    for _ in range(16):
        await enter(admission)
    for _ in range(16):
        admission.leave(POST, CLIENT, timed_out=True)
    for _ in range(2):
        await enter(admission)
    with pytest.raises(Overloaded):
        await enter(admission)
    for _ in range(2):
        admission.leave(POST, CLIENT)  # the client has gone: that says nothing
    for _ in range(14):
        await enter(admission)
        admission.leave(POST, CLIENT, timed_out=False)
    for _ in range(16):
        await enter(admission)


async def test_a_response_lets_in_as_many_as_there_is_room_for() -> None:
    admission = Admission(replace(LIMITS, total=9, per_upstream=9, queue=9, trials=1))
    await enter(admission)
    for _ in range(4):
        admission._pools[POST].in_flight += 1
        admission.in_flight += 1
        admission._clients[CLIENT] += 1
        admission.leave(POST, CLIENT, timed_out=True)
    waiting = [asyncio.create_task(enter(admission)) for _ in range(2)]
    await asyncio.sleep(0)
    admission.leave(POST, CLIENT, timed_out=False)  # its own place, and one more
    await asyncio.wait_for(asyncio.gather(*waiting), 1)


async def test_each_service_has_places_of_its_own() -> None:
    total = 2 * len(Upstream) + 2
    admission = Admission(AdmissionLimits(total, per_upstream=6, per_client=100, queue=0, patience=1, reserved=2))
    for hanging in (POST, FEED):
        for _ in range(6):
            with suppress(Overloaded):
                await enter(admission, hanging)
    assert admission.in_flight == 6  # 2 reserved for each, and 2 that all share
    for upstream in (Upstream.IDENTITY, Upstream.UPLOAD, Upstream.SOCIAL_GRAPH):
        for _ in range(2):
            await enter(admission, upstream)
        with pytest.raises(Overloaded):
            await enter(admission, upstream)


async def test_a_client_has_its_share() -> None:
    admission = Admission(AdmissionLimits(total=10, per_upstream=10, per_client=2, queue=0, patience=1))
    await enter(admission, POST, "2001:db8::1")
    await enter(admission, FEED, "2001:db8::2")  # the same /64
    with pytest.raises(TooManyRequests) as refusal:
        await enter(admission, POST, "2001:db8::3")
    assert refusal.value.extensions == {"violated_policies": ["in-flight"]}
    await enter(admission, POST, "2001:db8:0:1::1")
    admission.leave(FEED, "2001:db8::2")
    await enter(admission, POST, "2001:db8::3")


async def test_patience_ends() -> None:
    admission = Admission(replace(LIMITS, total=1, patience=0.01))
    await enter(admission)
    with pytest.raises(Overloaded):
        await enter(admission)
    admission.leave(POST, CLIENT)
    assert admission.in_flight == 0
    await enter(admission)


async def test_a_place_granted_to_a_cancelled_request_is_passed_on() -> None:
    admission = Admission(replace(LIMITS, total=1))
    await enter(admission)
    gone = asyncio.create_task(enter(admission))
    stays = asyncio.create_task(enter(admission))
    await asyncio.sleep(0)
    admission.leave(POST, CLIENT)  # the place is the first one's now
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await asyncio.wait_for(stays, 1)
    assert admission.in_flight == 1


async def test_no_place_is_lost_whoever_leaves_when() -> None:
    admission = Admission(AdmissionLimits(total=3, per_upstream=2, per_client=1000, queue=50, patience=0.002))

    async def visit(number: int) -> None:
        upstream = [*Upstream][number % 3]
        await enter(admission, upstream)
        try:
            for _ in range(number % 4):
                await asyncio.sleep(0)
        finally:
            admission.leave(upstream, CLIENT)

    visits = [asyncio.create_task(visit(number)) for number in range(300)]
    for number, task in enumerate(visits):
        if number % 7 == 0:
            task.cancel()
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*visits, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {type(None), Overloaded, asyncio.CancelledError}
    assert admission.in_flight == 0
    assert not admission._clients
    assert not any(pool.in_flight or pool.waiting for pool in admission._pools.values())
