"""Lists: visibility, and pages that neither repeat nor skip an entry."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_shared.errors import AccountNotFound
from photomesh_shared.ids import IdGenerator
from photomesh_social_graph.domain import AccountList
from photomesh_social_graph.event_handlers import AccountEventHandlers
from photomesh_social_graph.queries import ListQueries
from photomesh_social_graph.service import RelationshipService
from tests.support.clock import LoopClock, run_virtually
from tests.support.social_graph import InMemoryGraph, InMemoryReaders, account_event

STAR, VIEWER = 1, 2
FANS = range(10, 22)

Change = tuple[str, int]
changes = st.lists(
    st.tuples(
        st.sampled_from(
            ["viewer follows", "viewer unfollows", "fan follows", "fan unfollows", "fan blocks", "fan unblocks"]
        ),
        st.sampled_from(FANS),
    ),
    max_size=3,
)


class InMemoryService:
    def __init__(self) -> None:
        self.clock = LoopClock()
        self.store = InMemoryGraph()
        self.relationships = RelationshipService(
            self.store, InMemoryReaders(), self.clock, following_limit=100, account_wait_seconds=0
        )
        self.lists = ListQueries(self.store, self.clock)

    async def populate(self, known: set[int]) -> None:
        handlers = AccountEventHandlers(self.store, self.clock)
        for number in (STAR, VIEWER, *FANS):
            await handlers.account_changed(account_event(number))
        for fan in FANS:
            await self.change(("fan follows", fan))
        for fan in known:
            await self.change(("viewer follows", fan))

    async def change(self, change: Change) -> None:
        await self.clock.sleep(timedelta(milliseconds=1).total_seconds())
        who, does = change[0].split()
        actor, target = (VIEWER, change[1]) if who == "viewer" else (change[1], STAR)
        if does in ("blocks", "unblocks"):
            target = VIEWER
        relation = (await self.store.relations(actor, [target]))[target]
        if does in ("follows", "unfollows") and relation.blocked:
            return
        await getattr(self.relationships, does.removesuffix("s"))(actor, target)


@settings(max_examples=200, deadline=None)
@given(st.sets(st.sampled_from(FANS)), st.integers(1, 5), st.lists(changes, max_size=12))
def test_pages_stay_consistent_under_concurrent_changes(
    known: set[int], limit: int, between: list[list[Change]]
) -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.populate(known)
        touched: dict[int, int] = {}
        went: set[int] = set()
        as_of, after, seen, pages = service.lists.snapshot_time(), None, [], 0
        while True:
            page = await service.lists.followers(VIEWER, STAR, as_of=as_of, after=after, limit=limit)
            shown = [found.id for found in page.accounts]
            seen += shown
            if page.next is None:
                break
            after = page.next
            for change in between[pages] if pages < len(between) else []:
                if change[0].startswith("viewer"):
                    touched[change[1]] = touched.get(change[1], 0) + 1
                else:
                    went.add(change[1])
                await service.change(change)
            pages += 1
        certain = [fan for fan in FANS if fan not in went and touched.get(fan, 0) <= 2]
        for fan in certain:
            assert seen.count(fan) == 1, (fan, seen)
        halves = [fan not in known for fan in seen if fan in certain]
        assert halves == sorted(halves)

    run_virtually(scenario())


def test_own_lists_leave_out_accounts_that_block_the_viewer() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.populate(set())
        for fan in FANS:
            await service.relationships.mute(VIEWER, fan)
        await service.relationships.block(FANS[0], VIEWER)
        await service.relationships.block(VIEWER, FANS[1])
        mutes = await service.lists.own_list(AccountList.MUTES, VIEWER, after=None, limit=50)
        assert {found.id for found in mutes.accounts} == set(FANS[1:])
        blocks = await service.lists.own_list(AccountList.BLOCKS, VIEWER, after=None, limit=50)
        assert [found.id for found in blocks.accounts] == [FANS[1]]

    run_virtually(scenario())


def test_a_page_that_cannot_be_filled_has_a_next() -> None:
    """The reads of one request are bounded, even if every entry of a long list is hidden."""

    async def scenario() -> None:
        service = InMemoryService()
        await service.populate(set())
        for fan in FANS[1:]:
            await service.relationships.block(fan, VIEWER)
        as_of = service.lists.snapshot_time()
        page = await service.lists.followers(VIEWER, STAR, as_of=as_of, after=None, limit=1)
        assert [found.id for found in page.accounts] == [FANS[0]]
        service.lists = ListQueries(service.store, service.clock, max_reads=2)
        page = await service.lists.followers(VIEWER, STAR, as_of=as_of, after=None, limit=1)
        assert page.accounts == []
        assert page.next is not None

    run_virtually(scenario())


def test_lists_of_an_account_are_absent_where_its_profile_is() -> None:
    async def scenario() -> None:
        service = InMemoryService()
        await service.populate(known=set())
        fan, unknown = FANS[0], 99
        for viewer, other in ((VIEWER, fan), (None, unknown), (VIEWER, unknown)):
            await service.change(("fan blocks", fan))
            for read in (_followers, _following):
                with pytest.raises(AccountNotFound):
                    await read(service, viewer, other)
        assert await _following(service, fan, VIEWER) == 0, "the blocker sees the profile"
        assert await _followers(service, unknown, unknown) == 0, "one's own account may not be known yet"
        young = IdGenerator(1, 0, service.clock).next()
        assert await _followers(service, VIEWER, young) == 0

    run_virtually(scenario())


async def _followers(service: InMemoryService, viewer: int | None, owner: int) -> int:
    page = await service.lists.followers(viewer, owner, as_of=service.lists.snapshot_time(), after=None, limit=10)
    return len(page.accounts)


async def _following(service: InMemoryService, viewer: int | None, owner: int) -> int:
    return len((await service.lists.following(viewer, owner, after=None, limit=10)).accounts)


@pytest.mark.parametrize("status", ["deactivated", "leaving"])
async def test_an_account_that_is_not_active_is_in_no_list_and_has_none(status: str) -> None:
    service = InMemoryService()
    await service.populate({FANS[0]})
    handlers = AccountEventHandlers(service.store, service.clock)
    await handlers.account_changed(account_event(FANS[0], version=2, status=status))
    as_of = service.lists.snapshot_time()
    page = await service.lists.followers(VIEWER, STAR, as_of=as_of, after=None, limit=50)
    assert FANS[0] not in [found.id for found in page.accounts]
    assert not (await service.lists.following(VIEWER, VIEWER, after=None, limit=50)).accounts
    assert (await service.relationships.relations(VIEWER, [FANS[0]]))[FANS[0]].following is False
    for act in (service.relationships.follow, service.relationships.unfollow, service.relationships.block):
        with pytest.raises(AccountNotFound):
            await act(VIEWER, FANS[0])
    with pytest.raises(AccountNotFound):
        await service.lists.following(VIEWER, FANS[0], after=None, limit=50)
    own = await service.lists.following(FANS[0], FANS[0], after=None, limit=50)
    assert [found.id for found in own.accounts] == [STAR]
