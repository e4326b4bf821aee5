"""Builders for tests of the social graph: events of accounts, and its store in memory.

`tests/integration/social_graph/test_store.py` holds the store in memory and the real one to the same behaviour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope, Event
from photomesh_shared.ids import MAX_ID
from photomesh_social_graph.domain import Account, AccountList, Counts, ListPosition, Relation, Side, Tie
from photomesh_social_graph.errors import AccountNotFound, AccountNotReady, RestrictionPending

__all__ = ["InMemoryGraph", "InMemoryReaders", "account_event"]

_START = ListPosition(datetime.max.replace(tzinfo=UTC), MAX_ID)


def account_event(
    user_id: int, *, private: bool = False, version: int = 1, status: str = "active"
) -> Envelope[AccountRegistered | AccountUpdated]:
    """The event of an account's version: version 1 is its registration."""
    kind = AccountRegistered if version == 1 else AccountUpdated
    fields = kind.example().model_dump() | {
        "user_id": user_id,
        "username": f"user{user_id}",
        "display_name": f"User {user_id}, {version}",
        "private": private,
        "status": status,
    }
    return Envelope.of(kind(**fields), entityversion=version, id=f"{user_id}.{version}")


@dataclass
class InMemoryGraph:
    """Implements what `store.PostgresGraph` implements."""

    known: dict[int, tuple[Account, int]] = field(default_factory=dict)
    sides: dict[tuple[int, int], Side] = field(default_factory=dict)
    events: list[Envelope[Event]] = field(default_factory=list)
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @asynccontextmanager
    async def locked_tie(self, actor_id: int, target_id: int) -> AsyncIterator[Tie]:
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

    async def change_ties(
        self, actor_id: int, target_ids: Sequence[int], act: Callable[[Tie], None]
    ) -> list[Envelope[Event]]:
        events: list[Envelope[Event]] = []
        for target_id in target_ids:
            try:
                async with self.locked_tie(actor_id, target_id) as tie:
                    act(tie)
            except (AccountNotFound, AccountNotReady):
                continue
            events += tie.events
        return events

    def _side(self, actor_id: int, target_id: int) -> Side:
        account, _ = self.known[target_id]
        side = self.sides.get((actor_id, target_id)) or Side(actor_id, target_id, False, 0, 0, 0)
        return replace(
            side,
            target_private=account.private,
            target_hidden=account.hidden,
            following=self._counts(actor_id).following,
            requesting=sum(s.requested_at is not None for s in self.sides.values() if s.actor_id == actor_id),
            followers=self._counts(target_id).followers,
        )

    def _counts(self, account_id: int) -> Counts:
        follows = [side for side in self.sides.values() if side.followed_at]
        return Counts(
            sum(side.target_id == account_id for side in follows), sum(side.actor_id == account_id for side in follows)
        )

    async def upsert_account(self, account: Account, version: int) -> int:
        if account.id not in self.known or self.known[account.id][1] < version:
            self.known[account.id] = account, version
        return self.known[account.id][1]

    async def paired_after(self, account_id: int, last: int, limit: int) -> list[int]:
        pairs = [(actor, target) for actor, target in self.sides if account_id in (actor, target)]
        others = {actor if target == account_id else target for actor, target in pairs}
        return sorted(other for other in others if other > last)[:limit]

    async def erase_pairs(self, account_id: int) -> int:
        erased = [pair for pair in self.sides if account_id in pair]
        for pair in erased:
            del self.sides[pair]
        return len(erased)

    async def accounts(self, account_ids: Collection[int]) -> dict[int, Account]:
        return {number: self.known[number][0] for number in account_ids if number in self.known}

    async def counts(self, account_id: int) -> Counts:
        return self._counts(account_id)

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]:
        def side(actor_id: int, target_id: int) -> Side:
            return self.sides.get((actor_id, target_id)) or Side(actor_id, target_id, False, 0, 0, 0)

        ties = {other: Tie(side(viewer_id, other), side(other, viewer_id)) for other in account_ids}
        hidden = {other for other in account_ids if other in self.known and self.known[other][0].hidden}
        return {other: replace(tie.relation, hidden=other in hidden) for other, tie in ties.items()}

    async def list_newest(
        self, kind: AccountList, owner_id: int, after: ListPosition | None, limit: int
    ) -> list[ListPosition]:
        sort_key: Callable[[Side], datetime | None] = {
            AccountList.FOLLOWING: lambda side: side.followed_at,
            AccountList.FOLLOWERS: lambda side: side.followed_at,
            AccountList.REQUESTS: lambda side: side.requested_at,
            AccountList.BLOCKS: lambda side: side.blocked_at,
            AccountList.MUTES: lambda side: side.muted_at,
            AccountList.CLOSE_FRIENDS: lambda side: None,  # has the real lists alone, and adds nobody to one
        }[kind]
        incoming = kind in (AccountList.FOLLOWERS, AccountList.REQUESTS)
        return _page(
            [
                ListPosition(moment, side.actor_id if incoming else side.target_id)
                for side in self.sides.values()
                if (side.target_id if incoming else side.actor_id) == owner_id and (moment := sort_key(side))
            ],
            after,
            limit,
        )

    async def followee_ids_at(self, viewer_id: int, moment: datetime) -> list[int]:
        def followed_then(side: Side) -> bool:
            if side.followed_at and side.followed_at <= moment:
                return True
            if side.followed_from is None or side.followed_until is None:
                return False
            return side.followed_from <= moment < side.followed_until

        return [side.target_id for side in self.sides.values() if side.actor_id == viewer_id and followed_then(side)]

    async def list_followers(
        self, owner_id: int, known: Sequence[int], *, among_known: bool, after: ListPosition | None, limit: int
    ) -> list[ListPosition]:
        everyone = await self.list_newest(AccountList.FOLLOWERS, owner_id, None, MAX_ID)
        matching = [replace(entry, known=among_known) for entry in everyone if (entry.id in known) == among_known]
        return _page(matching, after, limit)


@dataclass
class InMemoryReaders:
    """What post and feed know of relations ahead of events: version, follows, blocks."""

    relations: dict[tuple[int, int], tuple[int, bool, bool]] = field(default_factory=dict)
    available: bool = True

    async def store_sides(self, sides: Collection[Side]) -> None:
        if not self.available:
            raise RestrictionPending
        for side in sides:
            if side.version:
                state = (side.version, side.followed_at is not None, side.blocked_at is not None)
                self.relations[side.actor_id, side.target_id] = state


def _page(entries: list[ListPosition], after: ListPosition | None, limit: int) -> list[ListPosition]:
    def order(entry: ListPosition) -> Any:
        return entry.at, entry.id

    newest_first = sorted(entries, key=order, reverse=True)
    return [entry for entry in newest_first if order(entry) < order(after or _START)][:limit]
