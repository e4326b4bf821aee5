"""Erasure of an account's devices, and of what waits for them."""

from __future__ import annotations

from typing import Protocol

from photomesh_shared.consumer.erasure import Erased
from photomesh_shared.events import AccountErasureRequested, Envelope

__all__ = ["PushEraser"]


class Subscriptions(Protocol):
    """See `store.CassandraSubscriptions`."""

    async def erase(self, account_id: int) -> int: ...


class Pushes(Protocol):
    """See `store.CassandraPushes`."""

    async def erase(self, account_id: int) -> None: ...


class PushEraser:
    """An event of the account that arrives later finds no device, and leaves nothing."""

    def __init__(self, subscriptions: Subscriptions, pushes: Pushes) -> None:
        self._subscriptions = subscriptions
        self._pushes = pushes

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Idempotent. Raises DatabaseUnavailable."""
        account_id = envelope.data.user_id
        devices = await self._subscriptions.erase(account_id)
        await self._pushes.erase(account_id)
        return Erased({"devices": devices})
