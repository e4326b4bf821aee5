"""Which accounts a text mentions."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from photomesh_post.accounts.domain import Author, Standing
from photomesh_post.texts.domain import linked, usernames_of
from photomesh_shared.events import EVERYBODY, TextEntities
from photomesh_shared.ids import MAX_ID

__all__ = ["MentionLinker", "Store"]


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def accounts_named(self, usernames: Collection[str]) -> Mapping[str, Author]: ...
    async def standing(self, viewer_id: int, account_id: int) -> Standing: ...
    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]: ...


class MentionLinker:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def link(self, author_id: int, entities: TextEntities, *, before: int = MAX_ID) -> TextEntities:
        """The entities with the accounts that have the mentioned usernames now, so that they stay linked when they are
        renamed.

        Leaves out accounts with ids from `before` on: a request that is repeated after a day does not link an account
        that registered meanwhile. Leaves out accounts with a block to or from the author, and those that only accounts
        which they follow can mention: for the author they look like usernames that nobody has. Raises
        DatabaseUnavailable.
        """
        named = await self._store.accounts_named(usernames_of(entities)) if entities.mentions else {}
        found = {username: account for username, account in named.items() if account.id < before}
        if others := [account for account in found.values() if account.id != author_id]:
            blocked, closed = await asyncio.gather(
                self._store.blocked_among(author_id, {account.id for account in others}),
                self._closed_to(author_id, others),
            )
            found = {name: account for name, account in found.items() if account.id not in blocked | closed}
        return linked(entities, {username: account.id for username, account in found.items()})

    async def _closed_to(self, author_id: int, accounts: Iterable[Author]) -> set[int]:
        """The accounts that only those whom they follow can mention, and that do not follow the author."""
        closed = [account.id for account in accounts if account.mentionable_by != EVERYBODY]
        standings = await asyncio.gather(*(self._store.standing(account_id, author_id) for account_id in closed))
        return {account_id for account_id, standing in zip(closed, standings, strict=True) if not standing.follows}
