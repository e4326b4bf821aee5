"""Clients that hold streams open, and count what they get."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

__all__ = ["CHANNEL", "Call", "Clients"]

CHANNEL = "bench:streams:"
_EVENT, _READY = b"event: notification", b"event: ready"
_AT_ONCE = 100
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Call:
    path: str
    token: str | None = None

    def encode(self) -> bytes:
        authorization = f"Authorization: Bearer {self.token}\r\n" if self.token else ""
        return f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\n{authorization}\r\n".encode()


class _Client(asyncio.Protocol):
    def __init__(self, clients: Clients, call: Call) -> None:
        self._clients, self._call = clients, call
        self._tail = b""
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        cast("asyncio.Transport", transport).write(self._call.encode())  # uvloop's is of no such class

    def data_received(self, data: bytes) -> None:
        text = self._tail + data
        self._clients.events += text.count(_EVENT)
        if not self.ready.done() and _READY in text:
            self.ready.set_result(None)
        self._tail = text[text.rfind(b"\n") + 1 :]  # the line that is not complete yet

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ready.done():
            self.ready.set_exception(exc or ConnectionError(f"no stream: {self._tail!r}"))


class Clients:
    """`events`: that have come, over all."""

    def __init__(self) -> None:
        self.events = 0
        self._open: list[_Client] = []

    async def connect(self, port: int, calls: Sequence[Call]) -> None:
        """Until each has its first event."""
        loop = asyncio.get_running_loop()
        for start in range(0, len(calls), _AT_ONCE):
            made = await asyncio.gather(
                *(
                    loop.create_connection(lambda call=call: _Client(self, call), "127.0.0.1", port)  # type: ignore[misc]
                    for call in calls[start : start + _AT_ONCE]
                )
            )
            clients = [client for _, client in made]
            self._open += clients
            await asyncio.wait_for(asyncio.gather(*(client.ready for client in clients)), _PATIENCE_SECONDS)

    async def wait_for(self, events: int) -> int:
        """Returns how many of the events have come, at last."""
        for _ in range(int(_PATIENCE_SECONDS)):
            if self.events < events:
                await asyncio.sleep(1)
        return self.events

    def close(self) -> None:
        for client in self._open:
            if client.transport is not None:
                client.transport.close()
        self._open.clear()
