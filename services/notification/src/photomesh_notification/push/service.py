"""Use cases of the API: devices that receive pushes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from photomesh_notification.errors import PushEndpointRefused, PushKeysRefused
from photomesh_notification.push.domain import MAX_SUBSCRIPTIONS, Subscription, subscription_id
from photomesh_notification.push.encryption import AUTH_BYTES, device_key
from photomesh_shared.clock import Clock
from photomesh_shared.outbound.guard import OutboundPolicy, Refused, check_url

__all__ = ["PushSubscriptionService", "Store"]


class Store(Protocol):
    """See `push.store.CassandraSubscriptions`."""

    async def register(self, subscription: Subscription) -> None: ...
    async def of_account(self, account_id: int) -> Sequence[Subscription]: ...
    async def delete(self, subscription: Subscription) -> None: ...


class PushSubscriptionService:
    """Every method raises DatabaseUnavailable."""

    def __init__(self, store: Store, policy: OutboundPolicy, clock: Clock) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock

    async def register(
        self, account_id: int, session_id: int, endpoint: str, p256dh: bytes, auth: bytes
    ) -> Subscription:
        """Store a device; idempotent by endpoint. If there are too many then, the oldest end.

        Raises PushEndpointRefused and PushKeysRefused.
        """
        try:
            check_url(endpoint, self._policy)
        except Refused as error:
            raise PushEndpointRefused(str(error)) from error
        try:
            device_key(p256dh)
        except ValueError as error:
            raise PushKeysRefused("`p256dh` is not a public key on P-256, uncompressed.") from error
        if len(auth) != AUTH_BYTES:
            raise PushKeysRefused(f"`auth` does not have {AUTH_BYTES} bytes.")
        subscription = Subscription(
            account_id,
            subscription_id(endpoint),
            endpoint,
            p256dh,
            auth,
            session_id,
            _to_milliseconds(self._clock.now()),
        )
        await self._store.register(subscription)
        for superfluous in (await self._store.of_account(account_id))[MAX_SUBSCRIPTIONS:]:
            await self._store.delete(superfluous)
        return subscription

    async def subscriptions(self, account_id: int) -> Sequence[Subscription]:
        """The account's devices, newest first."""
        return await self._store.of_account(account_id)

    async def delete(self, account_id: int, subscription_id: int) -> None:
        """Idempotent."""
        for one in await self._store.of_account(account_id):
            if one.id == subscription_id:
                await self._store.delete(one)


def _to_milliseconds(moment: datetime) -> datetime:
    """As Cassandra keeps it."""
    return moment.replace(microsecond=moment.microsecond // 1_000 * 1_000)
