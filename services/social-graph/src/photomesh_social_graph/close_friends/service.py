"""Use cases of lists of close friends. Reads are in `queries`, as of the other lists."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event
from photomesh_social_graph.errors import OwnAccount
from photomesh_social_graph.metrics import count_changes

__all__ = ["CloseFriendService", "Store"]


class Store(Protocol):
    """See `close_friends.store.PostgresCloseFriends`. Every method raises Unavailable."""

    async def add(self, owner_id: int, friend_id: int, now: datetime) -> list[Envelope[Event]]: ...
    async def remove(self, owner_id: int, friend_id: int, now: datetime) -> list[Envelope[Event]]: ...


class CloseFriendService:
    """Both changes are idempotent, and raise OwnAccount, AccountNotReady, Unavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def add(self, viewer_id: int, account_id: int) -> None:
        """Raises AccountNotFound, NotAFollower, CloseFriendsLimitReached."""
        if viewer_id == account_id:
            raise OwnAccount
        count_changes(await self._store.add(viewer_id, account_id, self._clock.now()))

    async def remove(self, viewer_id: int, account_id: int) -> None:
        """Also takes off who is hidden, and says nothing of accounts that were never on the list."""
        if viewer_id == account_id:
            raise OwnAccount
        count_changes(await self._store.remove(viewer_id, account_id, self._clock.now()))
