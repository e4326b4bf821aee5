"""The graph's store in memory.

`tests/integration/social_graph/test_store.py` holds this store and the real one to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from photomesh_shared.events import Envelope, Event
from photomesh_shared.ids import MAX_ID
from photomesh_social_graph.domain import Account, Counts, Place, Relation, Side, Tie
from photomesh_social_graph.errors import AccountNotFound, AccountNotReady
from photomesh_social_graph.service import Listing

__all__ = ["MemoryGraph"]

_TOP = Place(datetime.max.replace(tzinfo=UTC), MAX_ID)


@dataclass
class MemoryGraph:
    known: dict[int, tuple[Account, int]] = field(default_factory=dict)
    sides: dict[tuple[int, int], Side] = field(default_factory=dict)
    events: list[Envelope[Event]] = field(default_factory=list)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def changing(self, actor_id: int, target_id: int) -> AsyncIterator[Tie]:
        async with self._writing:
            await asyncio.sleep(0)
            if actor_id not in self.known:
                raise AccountNotReady
            if target_id not in self.known:
                raise AccountNotFound
            tie = Tie(self._side(actor_id, target_id), self._side(target_id, actor_id))
            yield tie
            for side in (tie.ours, tie.theirs):
                self.sides[side.actor_id, side.target_id] = side
            self.events += tie.events

    def _side(self, actor_id: int, target_id: int) -> Side:
        account, _ = self.known[target_id]
        side = self.sides.get((actor_id, target_id)) or Side(actor_id, target_id, False, 0, 0, 0)
        return replace(
            side,
            target_private=account.private,
            following=self._counts(actor_id).following,
            requesting=sum(s.requested_at is not None for s in self.sides.values() if s.actor_id == actor_id),
            followers=self._counts(target_id).followers,
        )

    def _counts(self, account_id: int) -> Counts:
        follows = [side for side in self.sides.values() if side.followed_at]
        return Counts(
            sum(side.target_id == account_id for side in follows), sum(side.actor_id == account_id for side in follows)
        )

    async def keep(self, account: Account, version: int) -> None:
        if account.id not in self.known or self.known[account.id][1] < version:
            self.known[account.id] = account, version

    async def accounts(self, account_ids: Collection[int]) -> dict[int, Account]:
        return {number: self.known[number][0] for number in account_ids if number in self.known}

    async def counts(self, account_id: int) -> Counts:
        return self._counts(account_id)

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]:
        def side(actor_id: int, target_id: int) -> Side:
            return self.sides.get((actor_id, target_id)) or Side(actor_id, target_id, False, 0, 0, 0)

        return {other: Tie(side(viewer_id, other), side(other, viewer_id)).relation for other in account_ids}

    async def listed(self, listing: Listing, owner_id: int, after: Place | None, limit: int) -> list[Place]:
        at: Callable[[Side], datetime | None] = {
            Listing.FOLLOWING: lambda side: side.followed_at,
            Listing.FOLLOWERS: lambda side: side.followed_at,
            Listing.REQUESTS: lambda side: side.requested_at,
            Listing.BLOCKS: lambda side: side.blocked_at,
            Listing.MUTES: lambda side: side.muted_at,
        }[listing]
        backwards = listing in (Listing.FOLLOWERS, Listing.REQUESTS)
        return _page(
            [
                Place(moment, side.actor_id if backwards else side.target_id)
                for side in self.sides.values()
                if (side.target_id if backwards else side.actor_id) == owner_id and (moment := at(side))
            ],
            after,
            limit,
        )

    async def followed_at(self, viewer_id: int, moment: datetime) -> list[int]:
        def then(side: Side) -> bool:
            if side.followed_at and side.followed_at <= moment:
                return True
            if side.followed_from is None or side.followed_until is None:
                return False
            return side.followed_from <= moment < side.followed_until

        return [side.target_id for side in self.sides.values() if side.actor_id == viewer_id and then(side)]

    async def followers(
        self, owner_id: int, known: Sequence[int], *, whether: bool, after: Place | None, limit: int
    ) -> list[Place]:
        everybody = await self.listed(Listing.FOLLOWERS, owner_id, None, MAX_ID)
        return _page(
            [replace(place, known=whether) for place in everybody if (place.id in known) == whether], after, limit
        )


def _page(places: list[Place], after: Place | None, limit: int) -> list[Place]:
    def order(place: Place) -> Any:
        return place.at, place.id

    newest_first = sorted(places, key=order, reverse=True)
    return [place for place in newest_first if order(place) < order(after or _TOP)][:limit]
