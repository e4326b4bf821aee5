"""Consumer use cases: accounts, follows and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.accounts.domain import Author
from photomesh_post.accounts.projection import AccountEvent, author_of_event, rows_of
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.events import AccountUpdated, Envelope

__all__ = ["AccountEventHandlers", "Avatars", "Store"]


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...


class Avatars(Protocol):
    """See `accounts.avatars.ReplacedAvatars`."""

    async def note(self, account: Author, version: int) -> None: ...


class AccountEventHandlers:
    def __init__(self, store: Store, avatars: Avatars) -> None:
        self._store = store
        self._avatars = avatars

    async def account_changed(self, envelope: Envelope[AccountEvent]) -> None:
        """Idempotent. Raises DatabaseUnavailable."""
        if isinstance(envelope.data, AccountUpdated):
            await self._avatars.note(author_of_event(envelope.data), envelope.entityversion)
        await self._store.write(rows_of(envelope))
