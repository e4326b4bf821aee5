"""Reactions to events of accounts: copies their data, and admits pending followers of an account that goes public."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope
from photomesh_shared.failpoints import declare, failpoint
from photomesh_social_graph.domain import Account, AccountList, ListPosition, Tie
from photomesh_social_graph.metrics import count_changes

__all__ = ["AccountEventHandlers", "AccountStore"]

BETWEEN_ADMISSIONS = declare("social-graph.between_admissions", "some requests are approved, others are not")

_BATCH = 100


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
        """Stores the account, then approves all pending requests if it is public.

        Each approval is a transaction of its own: after a crash, redelivery of the event continues with the rest.
        """
        event = envelope.data
        account = Account(
            event.user_id, event.username, event.display_name, event.avatar_url, event.private, event.status
        )
        await self._store.upsert_account(account, envelope.entityversion)
        last: ListPosition | None = None
        while requests := await self._store.list_newest(AccountList.REQUESTS, account.id, last, _BATCH):
            for last in requests:
                async with self._store.locked_tie(account.id, last.id) as tie:
                    if tie.theirs.target_private:  # by a newer event, or one that arrived meanwhile
                        return
                    tie.admit(self._clock.now())
                count_changes(tie.events)
                await failpoint(BETWEEN_ADMISSIONS)
