"""What viewers may see of accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Protocol

from photomesh_post.accounts.domain import OWN, STRANGER, Author, Standing
from photomesh_shared.clock import Clock
from photomesh_shared.errors import AccountNotFound
from photomesh_shared.ids import timestamp_of

__all__ = ["AccountVisibility", "Store"]

_BECOMES_KNOWN = timedelta(minutes=1)


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def author(self, account_id: int) -> Author: ...
    async def authors(self, account_ids: Collection[int]) -> Mapping[int, Author]: ...
    async def standing(self, viewer_id: int, account_id: int) -> Standing: ...
    async def standings(self, viewer_id: int, account_ids: Collection[int]) -> Mapping[int, Standing]: ...
    async def blocked_among(self, viewer_id: int, account_ids: Collection[int]) -> set[int]: ...


class AccountVisibility:
    """`viewer_id` is None for a request without a token. That, and viewing one's own account, reads no relation."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def author(self, viewer_id: int | None, account_id: int) -> tuple[Author, Standing]:
        """An account, and the viewer's standing with it."""
        author, standing = await asyncio.gather(self._store.author(account_id), self._standing(viewer_id, account_id))
        return author, standing

    async def authors(self, viewer_id: int | None, account_ids: Collection[int]) -> dict[int, tuple[Author, Standing]]:
        """Accounts, and the viewer's standing with each: two reads for all."""
        others = set(account_ids) - {viewer_id}
        authors, standings = await asyncio.gather(
            self._store.authors(set(account_ids)),
            self._store.standings(viewer_id, others) if viewer_id is not None and others else _no_standings(),
        )
        return {
            key: (authors.get(key, Author(key)), OWN if key == viewer_id else standings.get(key, STRANGER))
            for key in account_ids
        }

    async def present(self, viewer_id: int | None, account_id: int) -> tuple[Author, Standing]:
        """As `author`. Raises AccountNotFound if its profile looks absent as well: it is unknown or hidden, or has
        blocked the viewer. An account that is less than a minute old may just not be known here yet, so of that age
        only hidden ones do."""
        author, standing = await self.author(viewer_id, account_id)
        if author.hidden and not standing.own:
            raise AccountNotFound
        absent = standing.blocked_by or (author.username is None and not standing.own)
        if absent and self._clock.now() - timestamp_of(account_id) > _BECOMES_KNOWN:
            raise AccountNotFound
        return author, standing

    async def sees(self, viewer_id: int | None, account_id: int) -> bool:
        """Whether the viewer sees what the account publishes."""
        author, standing = await self.author(viewer_id, account_id)
        return standing.sees(author)

    async def blocked_among(self, viewer_id: int | None, account_ids: Collection[int]) -> set[int]:
        """The accounts that have blocked the viewer or are blocked by the viewer. One read for all: what these accounts
        do under other people's posts is hidden from the viewer."""
        others = set(account_ids) - {viewer_id}
        if viewer_id is None or not others:
            return set()
        return await self._store.blocked_among(viewer_id, others)

    async def hidden_under(self, viewer_id: int | None, owner_id: int, account_ids: Collection[int]) -> set[int]:
        """The accounts whose comments and likes under the owner's posts the viewer is not shown: those with a block to
        or from the viewer, and, for every viewer, those with a block to or from the owner, and those that are
        deactivated or leave."""
        of_viewer, of_owner, authors = await asyncio.gather(
            self.blocked_among(viewer_id, account_ids),
            self.blocked_among(owner_id if owner_id != viewer_id else None, account_ids),
            self._store.authors(set(account_ids) - {viewer_id}),
        )
        return of_viewer | of_owner | {account_id for account_id, author in authors.items() if author.hidden}

    async def _standing(self, viewer_id: int | None, account_id: int) -> Standing:
        if viewer_id is None:
            return STRANGER
        return OWN if viewer_id == account_id else await self._store.standing(viewer_id, account_id)


async def _no_standings() -> Mapping[int, Standing]:
    return {}
