"""The subscription of a process: one connection to Redis, with a channel for each account that has a stream here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from photomesh_notification.metrics import SUBSCRIPTION_LOST
from photomesh_notification.store.streams import CHANNEL
from photomesh_notification.streams.domain import Entry
from photomesh_shared.stores.redis_subscription import RedisSubscription, open_subscription

__all__ = ["RedisChannel", "Subscriber"]

_NOBODY = f"{CHANNEL}0"  # keeps the connection in the state of a subscriber
_PREFIX = len(CHANNEL)


class Subscriber(Protocol):
    """Who hears of changes. See `streams.hub.Hub`."""

    @property
    def account_ids(self) -> Collection[int]: ...
    def confirmed(self, account_id: int) -> None: ...
    def changed(self, account_id: int, entry: Entry) -> None: ...


class RedisChannel:
    """`run` must run in the background. After a failure it subscribes again for all accounts, and each confirmation
    tells the subscriber to read what came meanwhile."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscription: RedisSubscription | None = None
        self.subscriber: Subscriber
        SUBSCRIPTION_LOST.set_function(lambda: float(self._subscription is None))

    async def subscribe(self, account_id: int) -> None:
        """Without a connection, `run` will subscribe."""
        if self._subscription is not None:
            self._subscription.subscribe(_channel(account_id))

    async def unsubscribe(self, account_id: int) -> None:
        if self._subscription is not None:
            self._subscription.unsubscribe(_channel(account_id))

    async def run(self) -> None:
        """Raises OSError when the connection is lost."""
        async with open_subscription(self._url, self) as subscription:
            subscription.subscribe(_NOBODY, *map(_channel, self.subscriber.account_ids))
            self._subscription = subscription
            try:
                await subscription.lost()
            finally:
                self._subscription = None

    def subscribed(self, channel: bytes) -> None:
        if account_id := int(channel[_PREFIX:]):
            self.subscriber.confirmed(account_id)

    def heard(self, channel: bytes, message: bytes) -> None:
        entry_id, removed, group_id = message.decode().split(" ", 2)
        self.subscriber.changed(int(channel[_PREFIX:]), Entry(entry_id, group_id, removed == "1"))


def _channel(account_id: int) -> str:
    return f"{CHANNEL}{account_id}"
