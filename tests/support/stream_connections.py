"""The connection of an event stream, and the client at its other end."""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.server import ServerState

from photomesh_shared.http.event_stream import EventStream, StreamingApp

__all__ = ["Connection"]


class Connection(asyncio.Transport):
    """Nothing is buffered on the way: a client that does not read stops the server with its next write."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.at: list[float] = []
        """When something was sent."""
        self.reads = True
        self._server, self._stream = ServerState(), cast("EventStream", None)
        self._buffer, self._closing, self._lost = b"", False, asyncio.Event()

    def carry(self, stream: EventStream, streams: StreamingApp) -> None:
        """Begin the stream, after its head."""
        stream.begin(self, self._server, streams, writable=True)

    @property
    def events(self) -> bytes:
        """Without the framing of HTTP/1.1."""
        events, rest = b"", self.sent
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            events += rest[: int(size, 16)]
            rest = rest[int(size, 16) + 2 :]
        return events

    @property
    def complete(self) -> bool:
        return self.sent.endswith(b"0\r\n\r\n")

    def read_again(self) -> None:
        self.reads = True
        self.sent, self._buffer = self.sent + self._buffer, b""
        self._stream.resume_writing()

    def leave(self) -> None:
        """The client closes the connection."""
        self._close()

    async def ended(self) -> None:
        """Until the stream is over, with what is to be done at its end."""
        await self._lost.wait()
        while tasks := self._server.tasks:
            await asyncio.gather(*tasks)
        assert not self._server.connections

    def _close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._connection_lost)

    def _connection_lost(self) -> None:
        self._lost.set()
        self._stream.connection_lost(None)

    # --- asyncio.Transport

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._stream = cast("EventStream", protocol)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self._closing, "uvloop's transports raise an error"
        self.at.append(asyncio.get_running_loop().time())
        if self.reads:
            self.sent += bytes(data)
            return
        if not self._buffer:
            self._stream.pause_writing()
        self._buffer += bytes(data)

    def get_write_buffer_size(self) -> int:
        return len(self._buffer)

    def is_closing(self) -> bool:
        return self._closing

    def write_eof(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def close(self) -> None:
        self._close()

    def abort(self) -> None:
        self._close()
