"""Use cases of the internal API: states of accounts and relations ahead of their events."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from photomesh_post.accounts.domain import Author, Relation
from photomesh_post.accounts.projection import account_rows, relation_rows
from photomesh_post.tables.rows import RowWrite

__all__ = ["AccountStates", "Avatars", "Store"]


class Store(Protocol):
    """See `accounts.store.CassandraAccounts`."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...


class Avatars(Protocol):
    """See `accounts.avatars.ReplacedAvatars`."""

    async def note(self, account: Author, version: int) -> None: ...


class AccountStates:
    """Every method is idempotent, changes nothing that has a newer version, and raises DatabaseUnavailable."""

    def __init__(self, store: Store, avatars: Avatars) -> None:
        self._store = store
        self._avatars = avatars

    async def store_account(self, account: Author, version: int) -> None:
        await self._avatars.note(account, version)
        await self._store.write(account_rows(account, version))

    async def store_relations(self, relations: Collection[Relation]) -> None:
        await self._store.write([row for relation in relations for row in relation_rows(relation)])
