"""Lists of accounts, as a viewer may see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_social_graph.domain import Account, Place, Relation
from photomesh_social_graph.service import Listing

__all__ = ["Listed", "Lists", "Reads"]

Entries = Callable[[Place | None, int], Awaitable[list[Place]]]


class Reads(Protocol):
    """What is asked of the store; every method raises Unavailable when the database is away."""

    async def accounts(self, account_ids: Collection[int]) -> dict[int, Account]: ...

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]: ...

    async def listed(self, listing: Listing, owner_id: int, after: Place | None, limit: int) -> list[Place]:
        """The newest that come after a place."""
        ...

    async def followed_at(self, viewer_id: int, moment: datetime) -> list[int]:
        """Whom the viewer followed at a moment not long ago."""
        ...

    async def followers(
        self, owner_id: int, known: Sequence[int], *, whether: bool, after: Place | None, limit: int
    ) -> list[Place]:
        """The newest followers that are among the known (`whether`) or are not, and come after a place."""
        ...


@dataclass(frozen=True)
class Listed:
    """A page of accounts, and the place after which the next one begins if there is more."""

    accounts: list[Account]
    next: Place | None


class Lists:
    def __init__(self, store: Reads, clock: Clock, *, rounds: int = 10) -> None:
        """`rounds`: how often more is read to fill one page; one that is still short then says that there is more."""
        self._store = store
        self._clock = clock
        self._rounds = rounds

    def begin(self) -> datetime:
        """The moment at which somebody begins to read a list of followers."""
        return self._clock.now()

    async def own(self, listing: Listing, viewer_id: int, *, after: Place | None, limit: int) -> Listed:
        """A list of the viewer's own, the newest first. Blocks show whom the viewer blocks, the others do not."""

        async def entries(place: Place | None, count: int) -> list[Place]:
            return await self._store.listed(listing, viewer_id, place, count)

        return await self._page(entries, viewer_id, after, limit, blocks=listing is Listing.BLOCKS)

    async def following(self, viewer_id: int | None, owner_id: int, *, after: Place | None, limit: int) -> Listed:
        """Whom an account follows, the newest first; nothing of one that is unknown or hidden."""
        if not await self._may_see(viewer_id, owner_id):
            return Listed([], None)

        async def entries(place: Place | None, count: int) -> list[Place]:
            return await self._store.listed(Listing.FOLLOWING, owner_id, place, count)

        return await self._page(entries, viewer_id, after, limit)

    async def followers(
        self, viewer_id: int | None, owner_id: int, *, begun: datetime, after: Place | None, limit: int
    ) -> Listed:
        """Who follows an account: first those whom the viewer followed when they began to read (`begun`), then the
        rest, the newest of each first; nothing of an account that is unknown or hidden.

        Whom the viewer follows or no longer follows from then on stays where it was, so that no page repeats what an
        earlier one showed or leaves out what it did not.
        """
        if not await self._may_see(viewer_id, owner_id):
            return Listed([], None)
        known = await self._store.followed_at(viewer_id, begun) if viewer_id is not None else []

        async def entries(place: Place | None, count: int) -> list[Place]:
            found: list[Place] = []
            if known and (place is None or place.known):
                found = await self._store.followers(owner_id, known, whether=True, after=place, limit=count)
                place = None
            if len(found) < count:
                rest = count - len(found)
                found += await self._store.followers(owner_id, known, whether=False, after=place, limit=rest)
            return found

        return await self._page(entries, viewer_id, after, limit)

    async def _may_see(self, viewer_id: int | None, owner_id: int) -> bool:
        owner = (await self._store.accounts([owner_id])).get(owner_id)
        if owner is None:
            return False
        if viewer_id is None or viewer_id == owner_id:
            return viewer_id == owner_id or not owner.private
        relation = (await self._store.relations(viewer_id, [owner_id]))[owner_id]
        return not relation.blocked and (relation.following or not owner.private)

    async def _page(
        self, entries: Entries, viewer_id: int | None, after: Place | None, limit: int, *, blocks: bool = False
    ) -> Listed:
        shown: list[Account] = []
        for _ in range(self._rounds):
            found = await entries(after, limit + 1)
            visible = await self._visible(viewer_id, [place.id for place in found], blocks=blocks)
            for place in found:
                if len(shown) == limit:
                    return Listed(shown, after)
                after = place
                if place.id in visible:
                    shown.append(visible[place.id])
            if len(found) <= limit:
                return Listed(shown, None)
        return Listed(shown, after)

    async def _visible(self, viewer_id: int | None, account_ids: list[int], *, blocks: bool) -> dict[int, Account]:
        """Those that are known and that no block hides from the viewer."""
        if not account_ids:
            return {}
        accounts = await self._store.accounts(account_ids)
        if viewer_id is None:
            return accounts
        relations = await self._store.relations(viewer_id, account_ids)
        return {
            account_id: account
            for account_id, account in accounts.items()
            if (blocks and not relations[account_id].blocked_by) or not relations[account_id].blocked
        }
