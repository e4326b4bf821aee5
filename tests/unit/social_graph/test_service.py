"""Use cases of relationships, and reactions to events of accounts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.ids import IdGenerator
from photomesh_social_graph.domain import Relation
from photomesh_social_graph.errors import AccountNotReady, OwnAccount, RestrictionPending
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.service import RelationshipService
from tests.support.clock import LoopClock, run_virtually
from tests.support.social_graph import InMemoryGraph, InMemoryReaders, account_event

ADA, GRACE = 101, 102


class InMemoryService:
    def __init__(self) -> None:
        self.clock = LoopClock()
        self.store = InMemoryGraph()
        self.readers = InMemoryReaders()
        self.relationships = RelationshipService(
            self.store, self.readers, self.clock, following_limit=100, account_wait_seconds=2
        )
        self.handlers = AccountEventHandlers(self.store, self.clock)

    async def add_accounts(self, *numbers: int, private: bool = False, version: int = 1) -> None:
        for number in numbers:
            await self.handlers.account_changed(account_event(number, private=private, version=version))

    def new_id(self) -> int:
        return IdGenerator(1, 1, self.clock).next()


def test_does_not_wait_for_an_unknown_account_with_an_old_id() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(ADA)
        with pytest.raises(AccountNotFound):
            await service.relationships.follow(ADA, GRACE)
        with pytest.raises(AccountNotReady):
            await service.relationships.follow(GRACE, ADA)
        assert service.clock.monotonic() == 0

    run_virtually(scenario())


def test_waits_for_the_event_of_a_new_account() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(ADA)
        late = service.new_id()
        following = asyncio.create_task(service.relationships.follow(ADA, late))
        await service.clock.sleep(1)
        await service.add_accounts(late)
        assert (await following).following
        assert 1 <= service.clock.monotonic() < 1.5

    run_virtually(scenario())


def test_waits_equally_long_for_absent_and_hidden_accounts() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        hidden, absent = service.new_id(), service.new_id() + 1
        await service.add_accounts(ADA, hidden)
        await service.relationships.block(hidden, ADA)
        waits = []
        for other in (hidden, absent):
            began = service.clock.monotonic()
            with pytest.raises(AccountNotFound):
                await service.relationships.follow(ADA, other)
            waits.append(service.clock.monotonic() - began)
        assert waits[0] == pytest.approx(waits[1])
        assert 2 <= waits[0] < 2.5
        await service.clock.sleep(timedelta(minutes=2).total_seconds())
        began = service.clock.monotonic()
        with pytest.raises(AccountNotFound):
            await service.relationships.follow(ADA, absent)
        assert service.clock.monotonic() == began

    run_virtually(scenario())


def test_an_account_that_blocks_the_viewer_can_be_blocked() -> None:
    """Recorded, and answered like an absent account: also in its duration."""

    async def scenario() -> None:
        service = InMemoryService()
        blocker, absent = service.new_id(), service.new_id() + 1
        await service.add_accounts(ADA, blocker)
        await service.relationships.block(blocker, ADA)
        waits = []
        for other in (blocker, absent):
            began = service.clock.monotonic()
            with pytest.raises(AccountNotFound):
                await service.relationships.block(ADA, other)
            waits.append(service.clock.monotonic() - began)
        assert waits[0] == pytest.approx(waits[1])
        assert not (await service.relationships.relations(ADA, [blocker]))[blocker].blocking

        with pytest.raises(AccountNotFound):  # Ada is hidden now, too
            await service.relationships.unblock(blocker, ADA)
        assert (await service.relationships.relations(ADA, [blocker]))[blocker].blocking
        with pytest.raises(AccountNotFound):
            await service.relationships.follow(blocker, ADA)

        with pytest.raises(AccountNotFound):
            await service.relationships.block(blocker, ADA)
        with pytest.raises(AccountNotFound):
            await service.relationships.unblock(ADA, blocker)
        await service.relationships.unblock(blocker, ADA)
        assert (await service.relationships.relations(ADA, [blocker]))[blocker] == Relation()

    run_virtually(scenario())


def test_blocks_and_removed_followers_are_written_through() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(ADA, GRACE)
        await service.relationships.follow(GRACE, ADA)
        assert service.readers.relations == {}
        await service.relationships.remove_follower(ADA, GRACE)
        removed, follows, blocks = service.readers.relations[GRACE, ADA]
        assert (follows, blocks) == (False, False)
        await service.relationships.follow(GRACE, ADA)
        await service.relationships.block(ADA, GRACE)
        assert service.readers.relations[ADA, GRACE][1:] == (False, True)
        assert service.readers.relations[GRACE, ADA][1:] == (False, False)
        assert service.readers.relations[GRACE, ADA][0] > removed

    run_virtually(scenario())


@pytest.mark.parametrize("action", ["block", "remove_follower"])
def test_a_restriction_is_acknowledged_once_it_is_written_through(action: str) -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(ADA, GRACE)
        await service.relationships.follow(GRACE, ADA)
        restrict = getattr(service.relationships, action)
        service.readers.available = False
        for _ in range(2):
            with pytest.raises(RestrictionPending):
                await restrict(ADA, GRACE)
        service.readers.available = True
        await restrict(ADA, GRACE)
        assert service.readers.relations[GRACE, ADA][1:] == (False, False)
        assert service.readers.relations.get((ADA, GRACE), (1, False, True))[2] is True
        await service.relationships.unblock(ADA, GRACE)

    run_virtually(scenario())


def test_refuses_every_action_on_oneself() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(ADA)
        for action in (
            "follow",
            "unfollow",
            "block",
            "unblock",
            "mute",
            "unmute",
            "approve_request",
            "deny_request",
            "remove_follower",
        ):
            with pytest.raises(OwnAccount):
                await getattr(service.relationships, action)(ADA, ADA)
        assert service.store.events == []

    run_virtually(scenario())


def test_approves_more_requests_than_one_batch_when_an_account_goes_public() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(ADA, private=True)
        fans = range(1_000, 1_250)
        await service.add_accounts(*fans)
        for fan in fans:
            await service.relationships.follow(fan, ADA)
        await service.add_accounts(ADA, private=False, version=2)
        assert (await service.store.counts(ADA)).followers == 250
        await service.add_accounts(ADA, private=False, version=2)
        assert len(service.store.events) == 500

    run_virtually(scenario())


def test_ignores_an_old_event() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.add_accounts(GRACE)
        await service.add_accounts(ADA, private=True, version=3)
        await service.relationships.follow(GRACE, ADA)
        await service.add_accounts(ADA, private=False, version=2)
        assert (await service.relationships.relations(GRACE, [ADA]))[ADA].requested

    run_virtually(scenario())
