"""Changes by the service: patience with new accounts, and what follows from accounts' events."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.ids import IdGenerator
from photomesh_social_graph.admissions import Admissions
from photomesh_social_graph.errors import AccountNotReady, OwnAccount
from photomesh_social_graph.service import Graph
from tests.support.clock import LoopClock, run_virtually
from tests.unit.social_graph.fakes import MemoryGraph
from tests.unit.social_graph.world import account

ADA, GRACE = 101, 102


class World:
    def __init__(self) -> None:
        self.clock = LoopClock()
        self.store = MemoryGraph()
        self.graph = Graph(self.store, self.clock, following_limit=100, account_wait=2)
        self.admissions = Admissions(self.store, self.clock)

    async def know(self, *numbers: int, private: bool = False, version: int = 1) -> None:
        for number in numbers:
            await self.admissions.account_changed(account(number, private=private, version=version))

    def new_id(self) -> int:
        return IdGenerator(1, 1, self.clock).next()

    def told(self) -> list[str]:
        return [event.data.type_.split(".")[2] for event in self.store.events]


def test_an_old_account_that_is_unknown_is_not_waited_for() -> None:
    async def story() -> None:
        world = World()
        await world.know(ADA)
        with pytest.raises(AccountNotFound):
            await world.graph.follow(ADA, GRACE)
        with pytest.raises(AccountNotReady):
            await world.graph.follow(GRACE, ADA)
        assert world.clock.monotonic() == 0

    run_virtually(story())


def test_a_new_account_is_waited_for_and_then_found() -> None:
    async def story() -> None:
        world = World()
        await world.know(ADA)
        late = world.new_id()
        following = asyncio.create_task(world.graph.follow(ADA, late))
        await world.clock.sleep(1)
        await world.know(late)
        assert (await following).following
        assert 1 <= world.clock.monotonic() < 1.5

    run_virtually(story())


def test_absent_and_hidden_are_waited_for_equally() -> None:
    async def story() -> None:
        world = World()
        hidden, absent = world.new_id(), world.new_id() + 1
        await world.know(ADA, hidden)
        await world.graph.block(hidden, ADA)
        waits = []
        for other in (hidden, absent):
            began = world.clock.monotonic()
            with pytest.raises(AccountNotFound):
                await world.graph.follow(ADA, other)
            waits.append(world.clock.monotonic() - began)
        assert waits[0] == pytest.approx(waits[1])
        assert 2 <= waits[0] < 2.5
        await world.clock.sleep(timedelta(minutes=2).total_seconds())
        began = world.clock.monotonic()
        with pytest.raises(AccountNotFound):
            await world.graph.follow(ADA, absent)
        assert world.clock.monotonic() == began

    run_virtually(story())


def test_nobody_follows_themselves() -> None:
    async def story() -> None:
        world = World()
        await world.know(ADA)
        for action in (
            "follow",
            "unfollow",
            "block",
            "unblock",
            "mute",
            "unmute",
            "approve",
            "deny",
            "remove_follower",
        ):
            with pytest.raises(OwnAccount):
                await getattr(world.graph, action)(ADA, ADA)
        assert world.store.events == []

    run_virtually(story())


def test_more_requests_than_are_read_at_a_time_are_let_in() -> None:
    async def story() -> None:
        world = World()
        await world.know(ADA, private=True)
        fans = range(1_000, 1_250)
        await world.know(*fans)
        for fan in fans:
            await world.graph.follow(fan, ADA)
        await world.know(ADA, private=False, version=2)
        assert (await world.store.counts(ADA)).followers == 250
        await world.know(ADA, private=False, version=2)
        assert len(world.store.events) == 500

    run_virtually(story())


def test_an_old_event_opens_nothing() -> None:
    async def story() -> None:
        world = World()
        await world.know(GRACE)
        await world.know(ADA, private=True, version=3)
        await world.graph.follow(GRACE, ADA)
        await world.know(ADA, private=False, version=2)
        assert (await world.graph.relations(GRACE, [ADA]))[ADA].requested

    run_virtually(story())
