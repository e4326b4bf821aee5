"""A TCP transport that coalesces small writes and closes so that the peer receives the last response."""

from __future__ import annotations

import asyncio
from typing import Any

__all__ = ["LingeringTransport"]

_LINGER_SECONDS = 1.0


class LingeringTransport:
    """Wraps a transport. Coalesces the writes of one event loop iteration: a response's head and body.

    `close` shuts down the sending side and keeps reading for a while: closing at once while the peer still sends would
    reset the connection, and the peer would lose the response. A peer that does not read for `write_seconds` is
    disconnected.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, write_seconds: float) -> None:
        self._transport, self._loop, self._write_seconds = transport, loop, write_seconds
        self._pieces: list[bytes] = []
        self._closing = False

    def write(self, piece: bytes) -> None:
        if self._closing:
            return
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(piece)

    def _flush(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces and not self._transport.is_closing():  # the peer may have gone meanwhile
            self._transport.write(b"".join(pieces))

    def release(self) -> asyncio.Transport:
        """Write what waits, and return the transport itself."""
        self._flush()
        return self._transport

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def close(self) -> None:
        if self.is_closing():
            return
        self._flush()
        self._closing = True
        self._transport.write_eof()
        self._transport.resume_reading()
        self._loop.call_later(_LINGER_SECONDS, self._finish, self._loop.time() + self._write_seconds)

    def _finish(self, give_up_at: float) -> None:
        if self._transport.is_closing():
            return
        if not self._transport.get_write_buffer_size():
            self._transport.close()
        elif self._loop.time() < give_up_at:
            self._loop.call_later(_LINGER_SECONDS, self._finish, give_up_at)
        else:
            self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
