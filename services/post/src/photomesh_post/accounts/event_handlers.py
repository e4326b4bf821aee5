"""Consumer use cases: accounts, follows and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_post.accounts.projection import AccountEvent, rows_of
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.events import Envelope

__all__ = ["AccountEventHandlers", "Store"]


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...


class AccountEventHandlers:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def account_changed(self, envelope: Envelope[AccountEvent]) -> None:
        """Idempotent. Raises DatabaseUnavailable."""
        await self._store.write(rows_of(envelope))
