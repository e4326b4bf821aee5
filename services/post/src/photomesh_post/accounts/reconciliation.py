"""Comparison of the copies of accounts and relations with their owners, and their repair.

A copy is repaired where its value differs and its version is lower than the owner's. Cells keep their newest value, so
what an event writes meanwhile stays.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from photomesh_post.accounts.domain import Author, Relation
from photomesh_post.accounts.projection import account_rows, relation_rows
from photomesh_post.tables.rows import RowWrite
from photomesh_shared.internal_api.states import OwnedAccount, OwnedPair

__all__ = ["AccountCopies", "CopyStore", "EndedAccounts", "RelationCopies", "VersionedFlag"]

_CONCURRENT = 16  # accounts whose relations are read at a time


@dataclass(frozen=True)
class VersionedFlag:
    """A cell of a relation. Version 0: it was never written."""

    value: bool = False
    version: int = 0

    def is_outdated(self, value: bool, version: int) -> bool:
        return self.value != value and self.version < version


class CopyStore(Protocol):
    """See `accounts.store.CassandraAccounts`. Every method raises DatabaseUnavailable."""

    async def write(self, rows: Sequence[RowWrite]) -> None: ...

    async def versioned_authors(self, account_ids: Collection[int]) -> dict[int, tuple[Author, int]]: ...

    async def relation_flags(
        self, account_id: int, other_ids: Collection[int]
    ) -> dict[int, tuple[VersionedFlag, VersionedFlag]]:
        """Whether the account follows, and whether it blocks, each of those others of which anything is stored."""
        ...

    async def blocked_by_flags(self, account_id: int, other_ids: Collection[int]) -> dict[int, VersionedFlag]:
        """Whether each of those others, of which anything is stored, is marked as blocked by the account."""
        ...


class EndedAccounts(Protocol):
    async def ended_among(self, ids: Collection[int]) -> set[int]:
        """Those that are erased: nothing of them is written again."""
        ...


class AccountCopies:
    """Implements `photomesh_shared.consumer.copies.Copy`."""

    def __init__(self, store: CopyStore, ended: EndedAccounts) -> None:
        self._store = store
        self._ended = ended

    async def repair(self, states: Sequence[OwnedAccount]) -> int:
        ids = {state.account_id for state in states}
        ended = await self._ended.ended_among(ids)
        known = await self._store.versioned_authors(ids - ended)
        repaired = 0
        for state in states:
            author = Author(
                state.account_id,
                state.username,
                state.display_name,
                state.avatar_url,
                state.private,
                state.status,
                state.mentionable_by,
            )
            before, version = known.get(author.id, (None, 0))
            if author.id not in ended and before != author and version < state.version:
                await self._store.write(account_rows(author, state.version))
                repaired += 1
        return repaired


class RelationCopies:
    """Implements `photomesh_shared.consumer.copies.Copy`."""

    def __init__(self, store: CopyStore, ended: EndedAccounts) -> None:
        self._store = store
        self._ended = ended

    async def repair(self, states: Sequence[OwnedPair]) -> int:
        by_account: dict[int, dict[int, OwnedPair]] = {}
        for state in states:
            by_account.setdefault(state.account_id, {})[state.other_id] = state
        ended = await self._ended.ended_among({id_ for state in states for id_ in state[:2]})
        work = [
            self._repair_account(account_id, {other: pair for other, pair in pairs.items() if other not in ended})
            for account_id, pairs in by_account.items()
            if account_id not in ended
        ]
        repaired = 0
        for start in range(0, len(work), _CONCURRENT):
            repaired += sum(await asyncio.gather(*work[start : start + _CONCURRENT]))
        return repaired

    async def _repair_account(self, account_id: int, pairs: dict[int, OwnedPair]) -> int:
        flags = await self._store.relation_flags(account_id, pairs)
        mirrored = await self._store.blocked_by_flags(account_id, pairs)
        repaired, nothing = 0, VersionedFlag()
        for other, pair in pairs.items():
            follows, blocks = flags.get(other, (nothing, nothing))
            if (
                follows.is_outdated(pair.follows, pair.version)
                or blocks.is_outdated(pair.blocks, pair.version)
                or mirrored.get(other, nothing).is_outdated(pair.blocks, pair.version)
            ):
                relation = Relation(account_id, other, pair.version, pair.follows, pair.blocks)
                await self._store.write(relation_rows(relation))
                repaired += 1
        return repaired
