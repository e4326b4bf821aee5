"""Comparison of the copies of accounts and relations with their owners, and their repair.

Redis keeps those of active readers alone; what it does not keep, is read from the owner when it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from photomesh_feed.domain.accounts import KnownRelation, Relation
from photomesh_shared.internal_api.states import OwnedAccount, OwnedPair

__all__ = ["AccountCopies", "BackFill", "CopyStore", "RelationCopies", "RelationFiller"]


class CopyStore(Protocol):
    """See `store.copies.FeedCopies`."""

    async def compare_accounts(self, accounts: Sequence[OwnedAccount]) -> int: ...

    async def known_relations(self, account_id: int, other_ids: Sequence[int]) -> list[KnownRelation]: ...


class RelationFiller(Protocol):
    """See `store.filler.FeedFiller`."""

    async def relations(self, viewer: int, relations: Sequence[Relation]) -> None: ...


class BackFill(Protocol):
    """See `event_handlers.relations.RelationEventHandlers`."""

    async def back_fill(self, follower_id: int, followee_id: int) -> None: ...


class AccountCopies:
    """Implements `photomesh_shared.consumer.copies.Copy`."""

    def __init__(self, store: CopyStore) -> None:
        self._store = store

    async def repair(self, states: Sequence[OwnedAccount]) -> int:
        return await self._store.compare_accounts(states)


class RelationCopies:
    """Implements `photomesh_shared.consumer.copies.Copy`."""

    def __init__(self, store: CopyStore, filler: RelationFiller, handlers: BackFill) -> None:
        self._store = store
        self._filler = filler
        self._handlers = handlers

    async def repair(self, states: Sequence[OwnedPair]) -> int:
        by_account: dict[int, list[OwnedPair]] = {}
        for state in states:
            by_account.setdefault(state.account_id, []).append(state)
        repaired = 0
        for account_id, pairs in by_account.items():
            repaired += await self._repair_account(account_id, pairs)
        return repaired

    async def _repair_account(self, account_id: int, pairs: Sequence[OwnedPair]) -> int:
        known = await self._store.known_relations(account_id, [pair.other_id for pair in pairs])
        outdated = [
            (pair, before)
            for pair, before in zip(pairs, known, strict=False)  # nothing is known of a reader who is not active
            if before.is_outdated(pair.version, follows=pair.follows, mutes=pair.mutes)
        ]
        if not outdated:
            return 0
        await self._filler.relations(
            account_id, [Relation(pair.other_id, pair.version, pair.follows, pair.mutes) for pair, _ in outdated]
        )
        for pair, before in outdated:
            if pair.follows and not pair.mutes and (before.mutes or not before.follows):
                await self._handlers.back_fill(account_id, pair.other_id)
        return len(outdated)
