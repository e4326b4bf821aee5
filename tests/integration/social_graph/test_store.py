"""The store in memory, which unit tests use, behaves as the real one."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from photomesh_shared.errors import Problem
from photomesh_social_graph.admissions import Admissions
from photomesh_social_graph.domain import Place
from photomesh_social_graph.recount import drifted
from photomesh_social_graph.service import Graph, Listing
from photomesh_social_graph.store import PostgresGraph
from tests.support.clock import FakeClock
from tests.unit.social_graph.fakes import MemoryGraph
from tests.unit.social_graph.world import account

ACTIONS = (
    "follow",
    "follow",
    "follow",
    "unfollow",
    "approve",
    "deny",
    "remove_follower",
    "block",
    "unblock",
    "mute",
    "unmute",
)
_START = datetime(2026, 11, 21, 10, tzinfo=UTC)


async def test_both_stores_tell_the_same(store: PostgresGraph, new_id: Callable[[], int]) -> None:
    memory, clock, randomness = MemoryGraph(), FakeClock(_START), random.Random(7)
    crowd = [new_id() for _ in range(7)]
    stranger = new_id()
    stores = (memory, store)
    graphs = [Graph(each, clock, following_limit=4, account_wait=0) for each in stores]
    for each in stores:
        for n, number in enumerate(crowd):
            await Admissions(each, clock).account_changed(account(number, private=n % 3 == 0))

    for step in range(300):
        await clock.advance(1)
        actor, target = randomness.sample([*crowd, stranger] if step % 20 == 0 else crowd, 2)
        action = randomness.choice(ACTIONS)
        outcomes: list[object] = []
        for graph in graphs:
            try:
                outcomes.append(await getattr(graph, action)(actor, target))
            except Problem as problem:
                outcomes.append(type(problem))
        assert outcomes[0] == outcomes[1], (action, outcomes)
        if step == 150:
            for each in stores:
                await Admissions(each, clock).account_changed(account(crowd[0], private=False, version=2))

    moments = [_START + timedelta(seconds=randomness.randrange(300)) for _ in range(10)]
    for number in (*crowd, stranger):
        assert await memory.counts(number) == await store.counts(number)
        assert await memory.relations(number, crowd) == await store.relations(number, crowd)
        assert await memory.accounts([number]) == await store.accounts([number])
        for listing in Listing:
            whole = await memory.listed(listing, number, None, 50)
            assert whole == await store.listed(listing, number, None, 50)
            for place in whole:
                assert await memory.listed(listing, number, place, 2) == await store.listed(listing, number, place, 2)
        for moment in moments:
            known = await store.followed_at(number, moment)
            assert sorted(known) == sorted(await memory.followed_at(number, moment))
            for whether in (True, False):
                after: Place | None = None
                while True:
                    pages = [
                        await each.followers(crowd[1], known, whether=whether, after=after, limit=2) for each in stores
                    ]
                    assert pages[0] == pages[1]
                    if not pages[0]:
                        break
                    after = pages[0][-1]
        ids = await store.follower_ids(number, after=0, limit=50)
        followers = sorted(place.id for place in await memory.listed(Listing.FOLLOWERS, number, None, 50))
        assert list(struct.unpack(f">{len(followers)}q", ids)) == followers
    assert [counted async for counted in drifted(store) if counted.account_id in crowd] == []


async def test_a_change_that_fails_leaves_nothing(store: PostgresGraph, new_id: Callable[[], int]) -> None:
    clock = FakeClock(_START)
    ada, grace = new_id(), new_id()
    for number in (ada, grace):
        await Admissions(store, clock).account_changed(account(number))

    class Interrupted(Exception):
        pass

    try:
        async with store.changing(ada, grace) as tie:
            tie.follow(clock.now(), limit=1)
            raise Interrupted
    except Interrupted:
        pass
    assert not (await store.relations(ada, [grace]))[grace].following
    assert (await store.counts(grace)).followers == 0
