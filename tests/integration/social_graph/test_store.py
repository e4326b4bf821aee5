"""The store in memory, which unit tests use, behaves like the real one."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from photomesh_shared.errors import Problem
from photomesh_social_graph.domain import AccountList, ListPosition
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.reconcile import drifts
from photomesh_social_graph.service import RelationshipService
from photomesh_social_graph.store import PostgresGraph
from tests.support.clock import FakeClock
from tests.support.social_graph import InMemoryGraph, InMemoryReaders, account_event

ACTIONS = (
    "follow",
    "follow",
    "follow",
    "unfollow",
    "approve_request",
    "deny_request",
    "remove_follower",
    "block",
    "unblock",
    "mute",
    "unmute",
)
_START = datetime(2026, 11, 21, 10, tzinfo=UTC)


async def test_both_stores_behave_alike(store: PostgresGraph, new_id: Callable[[], int]) -> None:
    memory, clock, randomness = InMemoryGraph(), FakeClock(_START), random.Random(7)
    crowd = [new_id() for _ in range(7)]
    stranger = new_id()
    stores = (memory, store)
    services = [
        RelationshipService(each, InMemoryReaders(), clock, following_limit=4, account_wait_seconds=0)
        for each in stores
    ]
    for each in stores:
        for n, number in enumerate(crowd):
            await AccountEventHandlers(each, clock).account_changed(account_event(number, private=n % 3 == 0))

    for step in range(300):
        await clock.advance(1)
        actor, target = randomness.sample([*crowd, stranger] if step % 20 == 0 else crowd, 2)
        action = randomness.choice(ACTIONS)
        outcomes: list[object] = []
        for service in services:
            try:
                outcomes.append(await getattr(service, action)(actor, target))
            except Problem as problem:
                outcomes.append(type(problem))
        assert outcomes[0] == outcomes[1], (action, outcomes)
        if step == 150:
            for each in stores:
                await AccountEventHandlers(each, clock).account_changed(
                    account_event(crowd[0], private=False, version=2)
                )

    moments = [_START + timedelta(seconds=randomness.randrange(300)) for _ in range(10)]
    for number in (*crowd, stranger):
        assert await memory.counts(number) == await store.counts(number)
        assert await memory.relations(number, crowd) == await store.relations(number, crowd)
        assert await memory.accounts([number]) == await store.accounts([number])
        for kind in AccountList:
            whole = await memory.list_newest(kind, number, None, 50)
            assert whole == await store.list_newest(kind, number, None, 50)
            for entry in whole:
                assert await memory.list_newest(kind, number, entry, 2) == await store.list_newest(
                    kind, number, entry, 2
                )
        for moment in moments:
            known = await store.followee_ids_at(number, moment)
            assert sorted(known) == sorted(await memory.followee_ids_at(number, moment))
            for among_known in (True, False):
                after: ListPosition | None = None
                while True:
                    pages = [
                        await each.list_followers(crowd[1], known, among_known=among_known, after=after, limit=2)
                        for each in stores
                    ]
                    assert pages[0] == pages[1]
                    if not pages[0]:
                        break
                    after = pages[0][-1]
        ids = await store.follower_ids(number, after=0, limit=50)
        followers = sorted(entry.id for entry in await memory.list_newest(AccountList.FOLLOWERS, number, None, 50))
        assert list(struct.unpack(f">{len(followers)}q", ids)) == followers
    assert [audit async for audit in drifts(store) if audit.account_id in crowd] == []


async def test_a_failed_change_is_rolled_back(store: PostgresGraph, new_id: Callable[[], int]) -> None:
    clock = FakeClock(_START)
    ada, grace = new_id(), new_id()
    for number in (ada, grace):
        await AccountEventHandlers(store, clock).account_changed(account_event(number))

    class Interrupted(Exception):
        pass

    try:
        async with store.locked_tie(ada, grace) as tie:
            tie.follow(clock.now(), limit=1)
            raise Interrupted
    except Interrupted:
        pass
    assert not (await store.relations(ada, [grace]))[grace].following
    assert (await store.counts(grace)).followers == 0
