"""Events of accounts: names of authors."""

from __future__ import annotations

from typing import Protocol

from photomesh_shared.events import AccountRegistered, AccountUpdated, Envelope

__all__ = ["AccountEventHandlers", "AccountStore"]


class AccountStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def upsert_user(
        self, account_id: int, version: int, *, username: str, display_name: str, avatar_url: str | None, private: bool
    ) -> None: ...


class AccountEventHandlers:
    def __init__(self, store: AccountStore) -> None:
        self._store = store

    async def account_changed(self, envelope: Envelope[AccountRegistered | AccountUpdated]) -> None:
        account = envelope.data
        await self._store.upsert_user(
            account.user_id,
            envelope.entityversion,
            username=account.username,
            display_name=account.display_name,
            avatar_url=account.avatar_url,
            private=account.private,
        )
