"""A stream of events to one client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from photomesh_shared.http.event_stream.encoding import COMMENT, encode_event

__all__ = ["SCOPE_KEY", "End", "EventStream", "StreamLimits"]

SCOPE_KEY = "photomesh.event_stream"
"""Where a route leaves its stream to the `StreamingApp`."""


@dataclass(frozen=True)
class StreamLimits:
    """Limits of one stream. Seconds, but for `retry_ms`."""

    heartbeat: float = 15.0  # of silence, until a comment is sent
    write: float = 20.0  # without the client reading
    queue: int = 64  # events that wait for a slow client
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


class EventStream(StreamingResponse):
    """A stream of events to one client. Ends with `reauth` when its token expires, and with `reset` when more events
    wait than the queue holds.

    `on_end` is called once, however the stream ends; also if it never began.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        *,
        expires_in: float,
        on_end: Callable[[End], Awaitable[None]],
        limits: StreamLimits | None = None,
    ) -> None:
        self.status_code = 200
        self.background = None
        # `no-transform`: no cache on the way may compress it, and thereby hold events back. `X-Accel-Buffering`: nginx.
        self.init_headers({"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"})
        self.limits = limits or StreamLimits()
        self._expires_in = expires_in
        self._on_end = on_end
        self._pieces: list[bytes] = []
        self._end: End | None = None
        self._wake: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = self._look_at = 0.0
        self._writing = self._overdue = False

    @property
    def retry(self) -> int:
        """Milliseconds for the `retry` field of this stream."""
        return round(self.limits.retry_ms * random.uniform(2 / 3, 4 / 3))  # noqa: S311 - jitter

    @property
    def ended(self) -> End | None:
        return self._end

    def push(self, event: bytes) -> None:
        """Queue an encoded event. If the queue is full, the client gets a `reset` in its place, and the stream ends."""
        if self._end is not None:
            return
        if len(self._pieces) >= self.limits.queue:
            self._pieces.clear()
            self.end(End.SLOW)
            return
        self._pieces.append(event)
        self._wake_up()

    def end(self, why: End) -> None:
        """End the stream once the client has what is queued."""
        if self._end is None:
            self._end = why
            if last := _LAST_EVENTS.get(why):
                self._pieces.append(last)
            self._wake_up()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the head, and leave the rest to the `StreamingApp` around the app."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        except BaseException:
            await self._on_end(End.CLIENT)
            raise
        scope[SCOPE_KEY] = self

    async def run(self, receive: Receive, send: Send) -> None:
        """Send the body, until the stream ends."""
        watch = asyncio.create_task(self._watch(receive))
        self._task = asyncio.current_task()
        try:
            await self._run(send)
        finally:
            watch.cancel()
            if self._timer is not None:
                self._timer.cancel()
            await self._on_end(self._end or End.CLIENT)

    async def _run(self, send: Send) -> None:
        loop = asyncio.get_running_loop()
        quiet_since = loop.time()
        expires_at = quiet_since + self._expires_in
        while True:
            if self._pieces:
                body = b"".join(self._pieces)
                self._pieces.clear()
            elif self._end is not None:
                break
            elif await self._silence(min(quiet_since + self.limits.heartbeat, expires_at)):
                continue
            elif loop.time() >= expires_at:
                self.end(End.EXPIRED)
                continue
            else:
                body = COMMENT
            self._writing = True
            self._look_by(loop, loop.time() + self.limits.write)
            try:
                await send({"type": "http.response.body", "body": body, "more_body": True})
            except asyncio.CancelledError:
                if not self._overdue or (self._task is not None and self._task.uncancel()):
                    raise
                self._end = End.SLOW
                return  # the server closes the connection, because the response is not complete
            self._writing = False
            quiet_since = loop.time()
        if self._end is not End.CLIENT:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _silence(self, until: float) -> bool:
        """Wait for something to do. Returns False if there is nothing by then."""
        loop = asyncio.get_running_loop()
        self._wake = loop.create_future()
        self._look_by(loop, until)
        try:
            await self._wake
        finally:
            self._wake = None
        return bool(self._pieces) or self._end is not None

    def _look_by(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        """Have the end of this silence, or of this write, noticed. One timer serves all, as few last that long: when it
        fires, it is set again for the present one."""
        self._look_at = at
        if self._timer is None or at < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = at
            self._timer = loop.call_at(at, self._look)

    def _look(self) -> None:
        self._timer, loop = None, asyncio.get_running_loop()
        if loop.time() < self._look_at:
            self._look_by(loop, self._look_at)
        elif self._writing and self._task is not None:
            self._overdue = self._task.cancel()
        else:
            self._wake_up()

    def _wake_up(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if self._end is None or self._pieces:
            self._pieces.clear()
            self._end = End.SLOW if self._writing else End.CLIENT  # a server disconnects who does not read
            self._wake_up()
