"""Which accounts a text mentions."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from photomesh_post.texts.domain import linked, usernames_of
from photomesh_shared.events import TextEntities
from photomesh_shared.ids import MAX_ID

__all__ = ["MentionLinker", "Store"]


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def accounts_named(self, usernames: Collection[str]) -> Mapping[str, int]: ...
    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]: ...


class MentionLinker:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def link(self, author_id: int, entities: TextEntities, *, before: int = MAX_ID) -> TextEntities:
        """The entities with the accounts that have the mentioned usernames now, so that they stay linked when they are
        renamed.

        Leaves out accounts with ids from `before` on: a request that is repeated after a day does not link an account
        that registered meanwhile. Leaves out accounts with a block to or from the author, for whom they look like
        usernames that nobody has. Raises DatabaseUnavailable.
        """
        found = await self._store.accounts_named(usernames_of(entities)) if entities.mentions else {}
        found = {username: account_id for username, account_id in found.items() if account_id < before}
        if others := set(found.values()) - {author_id}:
            blocked = await self._store.blocked_among(author_id, others)
            found = {username: account_id for username, account_id in found.items() if account_id not in blocked}
        return linked(entities, found)
