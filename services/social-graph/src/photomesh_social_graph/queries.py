"""Lists of accounts, as a viewer may see them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.ids import timestamp_of
from photomesh_social_graph.domain import Account, AccountList, ListPosition, Relation

__all__ = ["AccountPage", "ListQueries", "ListStore"]

_BECOMES_KNOWN = timedelta(minutes=1)
_OWN_ACTS = (AccountList.BLOCKS, AccountList.MUTES)

ReadEntries = Callable[[ListPosition | None, int], Awaitable[list[ListPosition]]]


class ListStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def accounts(self, account_ids: Collection[int]) -> dict[int, Account]: ...

    async def relations(self, viewer_id: int, account_ids: Collection[int]) -> dict[int, Relation]: ...

    async def list_newest(
        self, kind: AccountList, owner_id: int, after: ListPosition | None, limit: int
    ) -> list[ListPosition]:
        """The newest entries after a position."""
        ...

    async def followee_ids_at(self, viewer_id: int, moment: datetime) -> list[int]:
        """The accounts that the viewer followed at a recent moment."""
        ...

    async def list_followers(
        self, owner_id: int, known: Sequence[int], *, among_known: bool, after: ListPosition | None, limit: int
    ) -> list[ListPosition]:
        """The newest followers after a position that are (`among_known`) or are not in `known`."""
        ...


@dataclass(frozen=True)
class AccountPage:
    """One page of accounts; `next` is the position of its last entry, None on the last page."""

    accounts: list[Account]
    next: ListPosition | None


class ListQueries:
    def __init__(self, store: ListStore, clock: Clock, *, max_reads: int = 10) -> None:
        """`max_reads` bounds the reads that fill one page; a page that is short after that many still has a next."""
        self._store = store
        self._clock = clock
        self._max_reads = max_reads

    def snapshot_time(self) -> datetime:
        """The `as_of` for reading a list of followers from its start."""
        return self._clock.now()

    async def own_list(
        self, kind: AccountList, viewer_id: int, *, after: ListPosition | None, limit: int
    ) -> AccountPage:
        """A private list of the viewer, newest first. Lists of blocks and mutes contain accounts that they block, so
        that both can be ended."""

        async def read(position: ListPosition | None, count: int) -> list[ListPosition]:
            return await self._store.list_newest(kind, viewer_id, position, count)

        return await self._page(read, viewer_id, after, limit, include_blocked=kind in _OWN_ACTS)

    async def following(
        self, viewer_id: int | None, owner_id: int, *, after: ListPosition | None, limit: int
    ) -> AccountPage:
        """The accounts that an account follows, newest first; empty if they are hidden. Raises AccountNotFound."""
        if not await self._may_see_lists(viewer_id, owner_id):
            return AccountPage([], None)

        async def read(position: ListPosition | None, count: int) -> list[ListPosition]:
            return await self._store.list_newest(AccountList.FOLLOWING, owner_id, position, count)

        return await self._page(read, viewer_id, after, limit)

    async def followers(
        self, viewer_id: int | None, owner_id: int, *, as_of: datetime, after: ListPosition | None, limit: int
    ) -> AccountPage:
        """The followers of an account: first those whom the viewer followed at `as_of`, then the rest, each newest
        first; empty if they are hidden. Raises AccountNotFound.

        `as_of` stays the same for all pages, so that follows of the viewer between two pages move no entry.
        """
        if not await self._may_see_lists(viewer_id, owner_id):
            return AccountPage([], None)
        known = await self._store.followee_ids_at(viewer_id, as_of) if viewer_id is not None else []

        async def read(position: ListPosition | None, count: int) -> list[ListPosition]:
            found: list[ListPosition] = []
            if known and (position is None or position.known):
                found = await self._store.list_followers(owner_id, known, among_known=True, after=position, limit=count)
                position = None
            if len(found) < count:
                rest = count - len(found)
                found += await self._store.list_followers(
                    owner_id, known, among_known=False, after=position, limit=rest
                )
            return found

        return await self._page(read, viewer_id, after, limit)

    async def _may_see_lists(self, viewer_id: int | None, owner_id: int) -> bool:
        """Raises AccountNotFound where the profile looks absent as well: the account is unknown or hidden, or has
        blocked the viewer. An account that is less than a minute old may just not be known here yet, so of that age
        only hidden ones do."""
        owner = (await self._store.accounts([owner_id])).get(owner_id)
        if viewer_id == owner_id:
            return owner is not None
        if owner and owner.hidden:
            raise AccountNotFound
        relation = Relation()
        if owner and viewer_id is not None:
            relation = (await self._store.relations(viewer_id, [owner_id]))[owner_id]
        absent = owner is None or relation.blocked_by
        if absent and self._clock.now() - timestamp_of(owner_id) > _BECOMES_KNOWN:
            raise AccountNotFound
        return owner is not None and not relation.blocked and (relation.following or not owner.private)

    async def _page(
        self,
        read: ReadEntries,
        viewer_id: int | None,
        after: ListPosition | None,
        limit: int,
        *,
        include_blocked: bool = False,
    ) -> AccountPage:
        shown: list[Account] = []
        for _ in range(self._max_reads):
            entries = await read(after, limit + 1)
            visible = await self._visible(viewer_id, [entry.id for entry in entries], include_blocked=include_blocked)
            for entry in entries:
                if len(shown) == limit:
                    return AccountPage(shown, after)
                after = entry
                if entry.id in visible:
                    shown.append(visible[entry.id])
            if len(entries) <= limit:
                return AccountPage(shown, None)
        return AccountPage(shown, after)

    async def _visible(
        self, viewer_id: int | None, account_ids: list[int], *, include_blocked: bool
    ) -> dict[int, Account]:
        """The known accounts among these that neither their status nor a block hides from the viewer."""
        if not account_ids:
            return {}
        found = await self._store.accounts(account_ids)
        accounts = {key: account for key, account in found.items() if not account.hidden or key == viewer_id}
        if viewer_id is None:
            return accounts
        relations = await self._store.relations(viewer_id, account_ids)

        def hidden(relation: Relation) -> bool:
            return relation.absent or (relation.blocking and not include_blocked)

        return {account_id: account for account_id, account in accounts.items() if not hidden(relations[account_id])}
