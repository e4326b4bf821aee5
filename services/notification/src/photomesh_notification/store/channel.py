"""The subscription of a process: one connection to Redis, with a channel for each account that has a stream here."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from photomesh_notification.metrics import SUBSCRIPTION_LOST
from photomesh_notification.store.connection import redis_errors
from photomesh_notification.store.streams import CHANNEL
from photomesh_notification.streams.domain import Entry

__all__ = ["RedisChannel", "Subscriber"]

_NOBODY = f"{CHANNEL}0"  # keeps the connection in the state of a subscriber
_BATCH = 1_000  # channels in one command
_PING_SECONDS = 10.0


class Subscriber(Protocol):
    """Who hears of changes. See `streams.hub.Hub`."""

    @property
    def account_ids(self) -> Collection[int]: ...
    def confirmed(self, account_id: int) -> None: ...
    def changed(self, account_id: int, entry: Entry) -> None: ...


class RedisChannel:
    """`run` must run in the background. After a failure it subscribes again for all accounts, and each confirmation
    tells the subscriber to read what came meanwhile."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._pubsub: PubSub | None = None
        self.subscriber: Subscriber
        SUBSCRIPTION_LOST.set_function(lambda: float(self._pubsub is None))

    async def subscribe(self, account_id: int) -> None:
        """Raises NotificationsUnavailable. Without a connection, `run` will subscribe."""
        if self._pubsub is not None:
            with redis_errors():
                await self._pubsub.subscribe(_channel(account_id))

    async def unsubscribe(self, account_id: int) -> None:
        if self._pubsub is not None:
            with redis_errors():
                await self._pubsub.unsubscribe(_channel(account_id))

    async def run(self) -> None:
        async with self._redis.pubsub() as pubsub:
            channels = [_NOBODY, *map(_channel, self.subscriber.account_ids)]
            for start in range(0, len(channels), _BATCH):
                await pubsub.subscribe(*channels[start : start + _BATCH])
            self._pubsub = pubsub
            try:
                # Accounts that came while the others were being subscribed.
                if late := [one for one in map(_channel, self.subscriber.account_ids) if one not in set(channels)]:
                    await pubsub.subscribe(*late)
                await self._read(pubsub)
            finally:
                self._pubsub = None

    async def _read(self, pubsub: PubSub) -> None:
        loop = asyncio.get_running_loop()
        heard_at = asked_at = loop.time()
        while True:
            message: Any = await pubsub.get_message(timeout=_PING_SECONDS)
            now = loop.time()
            if message is not None:
                heard_at = now
                self._handle(message)
            elif asked_at > heard_at:
                raise ConnectionError("Redis does not answer on the subscription")
            else:
                asked_at = now
                await pubsub.ping()

    def _handle(self, message: Any) -> None:
        kind, channel = message["type"], message["channel"]
        if not channel or (account_id := int(channel[len(CHANNEL) :])) == 0:
            return
        if kind == "subscribe":
            self.subscriber.confirmed(account_id)
        elif kind == "message":
            entry_id, removed, group_id = message["data"].decode().split(" ", 2)
            self.subscriber.changed(account_id, Entry(entry_id, group_id, removed == "1"))


def _channel(account_id: int) -> str:
    return f"{CHANNEL}{account_id}"
