"""Reactions to events of accounts: copies their data, admits pending followers of an account that goes public, and ends
everything between an account that is erased and others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, AccountRegistered, AccountUpdated, Envelope, Event, Kept
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.internal_api.states import OwnedAccount
from photomesh_social_graph.domain import Account, AccountList, ListPosition, Tie
from photomesh_social_graph.metrics import count_changes

__all__ = [
    "AccountCopies",
    "AccountEraser",
    "AccountEventHandlers",
    "AccountStore",
    "CloseFriends",
    "ErasureStore",
    "VersionStore",
]

BETWEEN_ADMISSIONS = declare("social-graph.between_admissions", "some requests are approved, others are not")

BETWEEN_ENDS = declare("social-graph.between_ends", "some relations of an erased account have ended, others have not")
BEFORE_ROWS = declare("social-graph.before_rows_are_erased", "all relations have ended, their rows are still there")

_BATCH = 100
_ERASED_TOGETHER = 50


class AccountStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def upsert_account(self, account: Account, version: int) -> int:
        """Stores the account unless a newer version is stored; returns the version that is stored now."""
        ...

    async def list_newest(
        self, kind: AccountList, owner_id: int, after: ListPosition | None, limit: int
    ) -> list[ListPosition]: ...

    def locked_tie(self, actor_id: int, target_id: int) -> AbstractAsyncContextManager[Tie]: ...


class AccountEventHandlers:
    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        """Raises as `apply`."""
        event = envelope.data
        account = Account(
            event.user_id, event.username, event.display_name, event.avatar_url, event.private, event.status
        )
        await self.apply(account, envelope.entityversion)

    async def apply(self, account: Account, version: int) -> None:
        """Stores the account, then approves all pending requests if it is public. Raises Unavailable.

        Each approval is a transaction of its own: after a crash, redelivery of the event continues with the rest.
        """
        await self._store.upsert_account(account, version)
        last: ListPosition | None = None
        while requests := await self._store.list_newest(AccountList.REQUESTS, account.id, last, _BATCH):
            for last in requests:
                async with self._store.locked_tie(account.id, last.id) as tie:
                    if tie.theirs.target_private:  # by a newer event, or one that arrived meanwhile
                        return
                    tie.admit(self._clock.now())
                count_changes(tie.events)
                await failpoint(BETWEEN_ADMISSIONS)


class VersionStore(Protocol):
    async def account_versions(self, account_ids: Collection[int]) -> dict[int, int]:
        """The versions of those accounts that are known. Raises Unavailable."""
        ...


class AccountCopies:
    """Compares the copies of accounts with identity's. Implements `photomesh_shared.consumer.copies.Copy`."""

    def __init__(self, store: VersionStore, handlers: AccountEventHandlers) -> None:
        self._store = store
        self._handlers = handlers

    async def repair(self, states: Sequence[OwnedAccount]) -> int:
        known = await self._store.account_versions([state.account_id for state in states])
        older = [state for state in states if known.get(state.account_id, -1) < state.version]
        for state in older:
            account = Account(
                state.account_id, state.username, state.display_name, state.avatar_url, state.private, state.status
            )
            await self._handlers.apply(account, state.version)
        return len(older)


class ErasureStore(Protocol):
    """Every method raises Unavailable when the database does not answer."""

    async def upsert_account(self, account: Account, version: int) -> int: ...

    async def paired_after(self, account_id: int, last: int, limit: int) -> list[int]:
        """The next accounts, by id, between which and this one anything is, or was, in either direction."""
        ...

    async def change_ties(
        self, actor_id: int, target_ids: Sequence[int], act: Callable[[Tie], None]
    ) -> list[Envelope[Event]]:
        """Changes these ties in one transaction, one after the other; returns the events of all. Leaves out accounts
        that are unknown."""
        ...

    async def erase_pairs(self, account_id: int) -> int:
        """Deletes the rows of all pairs of the account; returns how many."""
        ...


class CloseFriends(Protocol):
    async def erase(self, account_id: int) -> int:
        """Deletes the account's list, and what other lists said of it; returns how many rows. Raises Unavailable."""
        ...


class AccountEraser:
    """Erases what is between an account and others."""

    def __init__(self, store: ErasureStore, close_friends: CloseFriends, clock: Clock) -> None:
        self._store = store
        self._close_friends = close_friends
        self._clock = clock

    async def erase(self, request: Envelope[AccountErasureRequested]) -> Erased:
        """Idempotent. The account's row becomes a marker first, so that nothing begins any more. Some pairs at a time
        end in a transaction, with their events: others wait for the rows that it locks. The rows of pairs go last, so
        that their number is right after a crash."""
        account_id = request.data.user_id
        await self._store.upsert_account(Account.erased(account_id), request.entityversion)
        ended: Counter[str] = Counter()
        last = -1
        while others := await self._store.paired_after(account_id, last, _ERASED_TOGETHER):
            events = await self._store.change_ties(account_id, others, lambda tie: tie.erase(self._clock.now()))
            last = others[-1]
            count_changes(events)
            ended.update(event.data.type_.split(".")[1] + "s" for event in events)
            await failpoint(BETWEEN_ENDS)
        await failpoint(BEFORE_ROWS)
        pairs = await self._store.erase_pairs(account_id)
        close_friends = await self._close_friends.erase(account_id)  # those that existed ended with their follows
        keeps = [
            Kept(
                what="the id of the account, without anything else",
                why="so that nothing that arrives late brings the account back",
                until=None,
            ),
            kept_in_topic("follows", "relations that have ended", self._clock.now()),
            kept_in_topic("close_friends", "entries of lists that have ended", self._clock.now()),
        ]
        return Erased({"pairs": pairs, "close_friends": close_friends, **ended}, keeps)
