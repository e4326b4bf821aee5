"""A subscription to channels of Redis, whose messages are handed on as they are read.

    async with open_subscription(url, hearer) as subscription:
        subscription.subscribe("news")
        await subscription.lost()

redis-py awaits each message by itself, which costs several times as much as all else that is done for one here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast
from urllib.parse import unquote, urlsplit

from hiredis import HiredisError, Reader, ReplyError, pack_command

__all__ = ["Hearer", "RedisSubscription", "open_subscription"]

_CONNECT_SECONDS = 5.0
_SILENT_SECONDS = 10.0
_BATCH = 1_000  # channels in one command
_pack = cast("Callable[[tuple[str, ...]], bytes]", pack_command)  # its stub knows commands of one word only


class Hearer(Protocol):
    """What it raises ends the subscription, and is raised by `lost`."""

    def subscribed(self, channel: bytes) -> None:
        """The subscription of a channel is in force."""
        ...

    def heard(self, channel: bytes, message: bytes) -> None: ...


class RedisSubscription(asyncio.Protocol):
    """`open_subscription` makes one."""

    def __init__(self, hearer: Hearer, silent_seconds: float) -> None:
        self._hearer = hearer
        self._silent_seconds = silent_seconds
        self._loop = asyncio.get_running_loop()
        self._reader = Reader()
        self._transport: asyncio.Transport
        self._lost: asyncio.Future[None] = self._loop.create_future()
        self._lost.add_done_callback(lambda lost: lost.cancelled() or lost.exception())  # nobody need wait for it
        self._failure: Exception | None = None
        self._authenticated: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._heard = self._asked = False

    async def authenticate(self, user: str | None, password: str) -> None:
        """Raises ConnectionError."""
        self._authenticated = self._loop.create_future()
        self._send("AUTH", *([user] if user else []), password)
        await self._authenticated

    def subscribe(self, *channels: str) -> None:
        """Ask for channels; the hearer is called when their subscription is in force."""
        self._send_each("SUBSCRIBE", channels)

    def unsubscribe(self, *channels: str) -> None:
        self._send_each("UNSUBSCRIBE", channels)

    async def lost(self) -> None:
        """Wait for the end. Raises ConnectionError, or what the hearer raised."""
        await asyncio.shield(self._lost)

    def close(self) -> None:
        self._transport.abort()

    def _send_each(self, command: str, channels: tuple[str, ...]) -> None:
        for start in range(0, len(channels), _BATCH):
            self._send(command, *channels[start : start + _BATCH])

    def _send(self, *words: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(_pack(words))

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._timer = self._loop.call_later(self._silent_seconds, self._check)

    def _check(self) -> None:
        """After silence, asks whether Redis is there; after more silence, it is not."""
        if not self._heard and self._asked:
            self._fail(ConnectionError("Redis does not answer on the subscription"))
            return
        if not self._heard:
            self._send("PING")
        self._heard, self._asked = False, not self._heard
        self._timer = self._loop.call_later(self._silent_seconds, self._check)

    def data_received(self, data: bytes) -> None:
        self._heard = True
        try:
            self._reader.feed(data)
            while (value := self._reader.gets()) is not False:
                self._handle(value)
        except HiredisError as error:
            self._fail(ConnectionError(f"this is not Redis: {error}"))
        except Exception as error:  # noqa: BLE001 - raised by `lost`
            self._fail(error)

    def _handle(self, value: Any) -> None:
        if isinstance(value, ReplyError):
            raise ConnectionError(f"Redis refuses: {value}")
        if isinstance(value, list):
            kind = value[0]
            if kind == b"message":
                self._hearer.heard(value[1], value[2])
            elif kind == b"subscribe":
                self._hearer.subscribed(value[1])
        elif self._authenticated is not None and not self._authenticated.done():
            self._authenticated.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        error = self._failure or ConnectionError(f"the connection to Redis was lost: {exc or 'it was closed'}")
        for waiting in (self._authenticated, self._lost):
            if waiting is not None and not waiting.done():
                waiting.set_exception(error)


@asynccontextmanager
async def open_subscription(
    url: str, hearer: Hearer, *, silent_seconds: float = _SILENT_SECONDS
) -> AsyncIterator[RedisSubscription]:
    """Connect to ``redis://[[user]:password@]host[:port]``, or ``rediss://`` for TLS. A connection on which nothing
    comes for twice `silent_seconds`, although it was asked for, is lost. Raises OSError (of which ConnectionError is
    one)."""
    address = urlsplit(url)
    async with asyncio.timeout(_CONNECT_SECONDS):
        _, subscription = await asyncio.get_running_loop().create_connection(
            lambda: RedisSubscription(hearer, silent_seconds),
            address.hostname or "127.0.0.1",
            address.port or 6379,
            ssl=True if address.scheme == "rediss" else None,
        )
    try:
        if address.password:
            async with asyncio.timeout(_CONNECT_SECONDS):
                await subscription.authenticate(unquote(address.username or ""), unquote(address.password))
        yield subscription
    finally:
        subscription.close()
