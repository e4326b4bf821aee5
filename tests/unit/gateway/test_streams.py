"""Streams: their places, the end of silent ones, and draining."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import cast

import pytest
from starlette.types import Message

from photomesh_gateway.errors import Overloaded
from photomesh_gateway.proxy.deadline import Deadline, Ended
from photomesh_gateway.proxy.exchange import Exchange
from photomesh_gateway.routing.router import Route, Router
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_gateway.streams import StreamPlaces
from photomesh_shared.errors import TooManyRequests
from photomesh_shared.http import Auth, RateClass
from tests.support.clock import run_virtually


class Stream:
    """What places know of an exchange. `tasks` holds the task of each."""

    def __init__(self, account_id: int | None, client: str = "192.0.2.1") -> None:
        self.account_id, self.client = account_id, client
        self.streaming, self.writing = True, False
        self.deadline = Deadline(never)


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def exchange(account_id: int | None, client: str = "192.0.2.1") -> Exchange:
    return cast("Exchange", Stream(account_id, client))


async def test_places_of_an_account_an_address_and_the_process() -> None:
    places = StreamPlaces(total=4, per_account=2, per_client=3)
    with places.place(exchange(1)):
        with places.place(exchange(1)):
            with pytest.raises(TooManyRequests) as refusal, places.place(exchange(1)):
                pass
            assert refusal.value.extensions["violated_policies"] == ["streams-account"]
            assert refusal.value.headers["Retry-After"]
            with places.place(exchange(2)):
                with pytest.raises(TooManyRequests) as refusal, places.place(exchange(None)):
                    pass
                assert refusal.value.extensions["violated_policies"] == ["streams-address"]
                with places.place(exchange(3, "192.0.2.2")):
                    with pytest.raises(Overloaded), places.place(exchange(4, "192.0.2.3")):
                        pass
                    assert len(places) == 4
        with places.place(exchange(1)):
            assert len(places) == 2
    assert len(places) == 0


async def test_a_stream_that_fails_gives_its_place_back() -> None:
    places = StreamPlaces(total=1, per_account=1, per_client=1)
    with pytest.raises(OSError), places.place(exchange(1)):
        raise OSError
    with places.place(exchange(1)):
        pass


def test_only_silence_ends_a_stream() -> None:
    async def listen(pieces: int) -> float:
        deadline = Deadline(never)
        deadline.start(10)
        try:
            await asyncio.sleep(1)
            deadline.limit_silence(45)
            for _ in range(pieces):
                await asyncio.sleep(30)
                deadline.heard()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            deadline.uncancel()
        deadline.stop()
        assert deadline.ended is Ended.TIMED_OUT
        return asyncio.get_running_loop().time()

    assert run_virtually(listen(0)) == 1 + 45
    assert run_virtually(listen(100)) == 1 + 100 * 30 + 45


def test_draining_spreads_the_ends() -> None:
    async def test() -> None:
        places = StreamPlaces(total=1000, per_account=1000, per_client=1000)
        ends: list[float] = []

        async def listen() -> None:
            one = exchange(1)
            with places.place(one), suppress(asyncio.CancelledError):
                one.deadline.start(10)
                one.deadline.limit_silence(45)
                await asyncio.sleep(40)
            one.deadline.uncancel()
            one.deadline.stop()
            assert one.deadline.ended is Ended.DRAINED
            ends.append(asyncio.get_running_loop().time())

        async with asyncio.TaskGroup() as group:
            for _ in range(200):
                group.create_task(listen())
            await asyncio.sleep(1)
            places.drain(8)
            group.create_task(listen())
        assert len(ends) == 201
        assert max(ends) <= 9
        assert max(sum(begin <= end < begin + 1 for end in ends) for begin in range(1, 9)) < 60

    run_virtually(test())


async def test_an_exchange_that_is_over_is_not_cancelled() -> None:
    deadline = Deadline(never)
    deadline.start(10)
    deadline.stop()
    deadline.drain()
    await asyncio.sleep(0)
    assert (task := asyncio.current_task()) is not None
    assert not task.cancelling()


def test_a_stream_has_no_head() -> None:
    def route(rate: RateClass) -> Route:
        return Route("GET", f"/v1/{rate}", Upstream.POST, Auth.NONE, rate, 0)

    router = Router([route(RateClass.STREAM), route(RateClass.READ)])
    stream, read = router.match("/v1/stream"), router.match("/v1/read")
    assert stream is not None
    assert read is not None
    assert stream.allow == "GET, OPTIONS"
    assert read.allow == "GET, HEAD, OPTIONS"
