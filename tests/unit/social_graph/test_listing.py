"""Lists: what is shown to whom, and pages that neither repeat nor skip."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_social_graph.admissions import Admissions
from photomesh_social_graph.listing import Lists
from photomesh_social_graph.service import Graph, Listing
from tests.support.clock import LoopClock, run_virtually
from tests.unit.social_graph.fakes import MemoryGraph
from tests.unit.social_graph.world import account

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


class World:
    def __init__(self) -> None:
        self.clock = LoopClock()
        self.store = MemoryGraph()
        self.graph = Graph(self.store, self.clock, following_limit=100, account_wait=0)
        self.lists = Lists(self.store, self.clock)

    async def populate(self, known: set[int]) -> None:
        admissions = Admissions(self.store, self.clock)
        for number in (STAR, VIEWER, *FANS):
            await admissions.account_changed(account(number))
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
        await getattr(self.graph, does.removesuffix("s"))(actor, target)


@settings(max_examples=200, deadline=None)
@given(st.sets(st.sampled_from(FANS)), st.integers(1, 5), st.lists(changes, max_size=12))
def test_pages_while_anything_changes(known: set[int], limit: int, between: list[list[Change]]) -> None:
    async def story() -> None:
        world = World()
        await world.populate(known)
        touched: dict[int, int] = {}
        went: set[int] = set()
        begun, after, seen, pages = world.lists.begin(), None, [], 0
        while True:
            page = await world.lists.followers(VIEWER, STAR, begun=begun, after=after, limit=limit)
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
                await world.change(change)
            pages += 1
        certain = [fan for fan in FANS if fan not in went and touched.get(fan, 0) <= 2]
        for fan in certain:
            assert seen.count(fan) == 1, (fan, seen)
        halves = [fan not in known for fan in seen if fan in certain]
        assert halves == sorted(halves)

    run_virtually(story())


def test_own_lists_hide_who_blocks() -> None:
    async def story() -> None:
        world = World()
        await world.populate(set())
        for fan in FANS:
            await world.graph.mute(VIEWER, fan)
        await world.graph.block(FANS[0], VIEWER)
        await world.graph.block(VIEWER, FANS[1])
        mutes = await world.lists.own(Listing.MUTES, VIEWER, after=None, limit=50)
        assert {found.id for found in mutes.accounts} == set(FANS[2:])
        blocks = await world.lists.own(Listing.BLOCKS, VIEWER, after=None, limit=50)
        assert [found.id for found in blocks.accounts] == [FANS[1]]

    run_virtually(story())


def test_a_page_that_cannot_be_filled_says_that_there_is_more() -> None:
    """Nobody makes a request read a whole list by being blocked by everybody on it."""

    async def story() -> None:
        world = World()
        await world.populate(set())
        for fan in FANS[1:]:
            await world.graph.block(fan, VIEWER)
        begun = world.lists.begin()
        page = await world.lists.followers(VIEWER, STAR, begun=begun, after=None, limit=1)
        assert [found.id for found in page.accounts] == [FANS[0]]
        world.lists = Lists(world.store, world.clock, rounds=2)
        page = await world.lists.followers(VIEWER, STAR, begun=begun, after=None, limit=1)
        assert page.accounts == []
        assert page.next is not None

    run_virtually(story())
