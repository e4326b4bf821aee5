"""Events of accounts: names of authors."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.events import ACTIVE, AccountRegistered, AccountUpdated, Envelope

__all__ = ["AccountEventHandlers", "AccountStore"]


class AccountStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def upsert_user(
        self,
        account_id: int,
        version: int,
        *,
        username: str,
        display_name: str,
        avatar_url: str | None,
        private: bool,
        hidden: bool,
        outdated: bool,
    ) -> None: ...
    async def may_be_outdated(self, at: datetime, now: datetime) -> bool: ...


class AccountEventHandlers:
    def __init__(self, store: AccountStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        account = envelope.data
        await self._store.upsert_user(
            account.user_id,
            envelope.entityversion,
            username=account.username,
            display_name=account.display_name,
            avatar_url=account.avatar_url,
            private=account.private,
            hidden=account.status != ACTIVE,
            outdated=await self._store.may_be_outdated(envelope.time, self._clock.now()),
        )
