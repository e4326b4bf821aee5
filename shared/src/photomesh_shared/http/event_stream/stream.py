"""A stream of events to one client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from photomesh_shared.http.event_stream.encoding import COMMENT, encode_event
from photomesh_shared.http.serving.transport import LingeringTransport

__all__ = ["End", "EventStream", "StreamLimits"]


@dataclass(frozen=True)
class StreamLimits:
    """Limits of one stream. Seconds, but for `queue` and `retry_ms`."""

    heartbeat: float = 15.0  # of silence, until a comment is sent
    write: float = 20.0  # without the client reading
    queue: int = 64  # pieces that wait for a slow client
    retry_ms: int = 3_000  # ± a third, so that clients do not come back together


class End(StrEnum):
    """Why a stream ended."""

    CLIENT = "client"  # it closed the connection
    SLOW = "slow"  # it did not read
    EXPIRED = "expired"  # its token did
    DRAINED = "drained"  # this process ends
    RESET = "reset"  # what the stream is made of is lost


_LAST_EVENTS = {
    End.EXPIRED: encode_event("reauth", "{}"),
    End.SLOW: encode_event("reset", '{"reason":"slow"}'),
    End.RESET: encode_event("reset", '{"reason":"lost"}'),
}
_LIMITS = StreamLimits()


class Server(Protocol):
    """What the server waits for when it ends. See `uvicorn.server.ServerState`."""

    connections: set[Any]
    tasks: set[asyncio.Task[None]]


class Streams(Protocol):
    """The open streams. See `app.StreamingApp`."""

    def began(self, stream: EventStream) -> None: ...
    def look_at(self, stream: EventStream, at: float) -> None:
        """Have `look` called then."""
        ...

    def ended(self, stream: EventStream) -> None: ...


class EventStream(asyncio.Protocol):
    """A stream of events to one client. Ends with `reauth` when its token expires, and with `reset` when more waits for
    a slow client than the queue holds.

    It is the protocol of its connection once the head of the response is sent, and nothing but this object and the
    transport stays of the request: no task, no timer, no frame of the server's or the framework's.

    `on_end` is called once, however the stream ends; also if it never began.
    """

    __slots__ = (
        "_end",
        "_expires_at",
        "_limits",
        "_on_end",
        "_quiet_since",
        "_server",
        "_streams",
        "_stuck_since",
        "_transport",
        "_waiting",
    )

    def __init__(
        self,
        *,
        expires_in: float,
        on_end: Callable[[End], Coroutine[Any, Any, None]],
        limits: StreamLimits | None = None,
    ) -> None:
        self._limits = limits or _LIMITS
        self._expires_at = asyncio.get_running_loop().time() + expires_in
        self._on_end = on_end
        self._waiting: list[bytes] | None = []
        """What the client cannot be sent yet; None while it reads."""
        self._quiet_since = 0.0
        self._stuck_since: float | None = None
        self._end: End | None = None
        self._transport: asyncio.Transport
        self._server: Server
        self._streams: Streams | None = None
        """None before the stream begins, and once it is over."""

    @property
    def retry(self) -> int:
        """Milliseconds for the `retry` field of this stream."""
        return round(self._limits.retry_ms * random.uniform(2 / 3, 4 / 3))  # noqa: S311 - jitter

    @property
    def ended(self) -> End | None:
        return self._end

    def push(self, events: bytes) -> None:
        """Send encoded events. If the queue is full, the client gets a `reset` in its place, and the stream ends."""
        if self._end is not None:
            return
        if self._waiting is None:
            self._write(events)
        elif len(self._waiting) < self._limits.queue:
            self._waiting.append(events)
        else:
            self._waiting.clear()
            self.end(End.SLOW)

    def end(self, why: End) -> None:
        """End the stream once the client has what waits for it."""
        if self._end is None:
            self._end = why
            if self._waiting is None:
                self._finish()

    async def fail(self) -> None:
        """End a stream that never began."""
        self._end = End.CLIENT
        await self._on_end(End.CLIENT)

    def begin(self, transport: asyncio.Transport, server: Server, streams: Streams, *, writable: bool) -> None:
        """Take over the connection, on which the head of the response was sent."""
        self._transport, self._server, self._streams = transport, server, streams
        server.connections.add(self)
        transport.set_protocol(self)
        streams.began(self)
        if transport.is_closing():
            self.connection_lost(None)
            return
        now = self._quiet_since = self._time()
        if writable:
            self.resume_writing()
        else:
            self.pause_writing()
        if self._streams is not None:
            streams.look_at(self, self._next_look(now))

    def look(self, now: float) -> float | None:
        """Do what is due. Returns when to look again; None if the stream is over."""
        if self._streams is None:
            return None
        if self._stuck_since is not None:
            if now >= self._stuck_since + self._limits.write:
                self._transport.abort()  # the client sees that the response is not complete
                return None
        elif now >= self._expires_at:
            self.end(End.EXPIRED)
            return None
        elif now >= self._quiet_since + self._limits.heartbeat:
            self._write(COMMENT)
        return self._next_look(now)

    def _next_look(self, now: float) -> float:
        """Early enough to notice a client that stops reading right now."""
        if self._stuck_since is not None:
            return self._stuck_since + self._limits.write
        return min(self._quiet_since + self._limits.heartbeat, self._expires_at, now + self._limits.write)

    def _write(self, events: bytes) -> None:
        self._quiet_since = self._time()
        if not self._transport.is_closing():
            self._transport.write(b"%x\r\n%b\r\n" % (len(events), events))

    def _finish(self) -> None:
        if self._streams is None:
            return
        if self._end is not None and (last := _LAST_EVENTS.get(self._end)):
            self._write(last)
        if not self._transport.is_closing():
            loop = asyncio.get_running_loop()
            self._transport.write(b"0\r\n\r\n")
            LingeringTransport(self._transport, loop, self._limits.write).close()
        self._over()

    def _over(self) -> None:
        if self._streams is None:
            return
        self._streams.ended(self)
        self._streams, self._waiting = None, []
        task = asyncio.get_running_loop().create_task(self._on_end(self._end or End.CLIENT))
        del self._on_end  # it references this object
        self._server.tasks.add(task)
        task.add_done_callback(self._server.tasks.discard)

    @staticmethod
    def _time() -> float:
        return asyncio.get_running_loop().time()

    # --- asyncio.Protocol, and what uvicorn calls

    def data_received(self, data: bytes) -> None:
        """Ignore it: the head announced that there is no other response on this connection."""

    def pause_writing(self) -> None:
        self._stuck_since = self._time()
        if self._waiting is None:
            self._waiting = []

    def resume_writing(self) -> None:
        if self._streams is None:
            return
        waiting, self._waiting, self._stuck_since = self._waiting, None, None
        if waiting:
            self._write(b"".join(waiting))
        if self._end is not None and self._waiting is None:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)
        if self._streams is not None:  # a client that does not read is disconnected
            self._end = End.CLIENT if self._stuck_since is None else End.SLOW
            self._over()

    def shutdown(self) -> None:
        """Nothing: `StreamingApp.drain` ends streams, and the server waits for that."""
