"""The ASGI app that sends the bodies of streams."""

from __future__ import annotations

import asyncio
import math
import random

from starlette.types import ASGIApp, Receive, Scope, Send

from photomesh_shared.http.event_stream.protocol import HAND_OVER_KEY, HandOver
from photomesh_shared.http.event_stream.response import STREAM_KEY
from photomesh_shared.http.event_stream.stream import End, EventStream

__all__ = ["StreamingApp"]


class StreamingApp:
    """The ASGI app around an app with routes that return an `EventStreamResponse`. Knows the streams that are open, and
    looks at each when something may be due: one timer serves all that are due in a second.

    Needs the server's protocol to be a `streaming_protocol`."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: set[EventStream] = set()
        self._due: dict[int, list[EventStream]] = {}
        self._leaving_for: float | None = None

    def __len__(self) -> int:
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        hand_over: HandOver | None = scope.pop(HAND_OVER_KEY, None)  # None: this is the lifespan
        await self.app(scope, receive, send)
        stream: EventStream | None = scope.pop(STREAM_KEY, None)
        if stream is not None:
            assert hand_over is not None, "streams need a streaming_protocol"
            hand_over(stream, self)

    def drain(self, seconds: float) -> None:
        """End all streams within so many seconds, spread evenly: their clients connect again, to other processes. Also
        ends streams that begin later."""
        self._leaving_for = seconds
        for stream in self._open:
            self._end_within(stream, seconds)

    @staticmethod
    def _end_within(stream: EventStream, seconds: float) -> None:
        asyncio.get_running_loop().call_later(random.uniform(0, seconds), stream.end, End.DRAINED)  # noqa: S311 - jitter

    # --- stream.Streams

    def began(self, stream: EventStream) -> None:
        self._open.add(stream)
        if self._leaving_for is not None:
            self._end_within(stream, self._leaving_for)

    def ended(self, stream: EventStream) -> None:
        self._open.discard(stream)

    def look_at(self, stream: EventStream, at: float) -> None:
        second = math.ceil(at)
        if (due := self._due.get(second)) is None:
            due = self._due[second] = []
            asyncio.get_running_loop().call_at(second, self._look, second)
        due.append(stream)

    def _look(self, second: int) -> None:
        now = max(asyncio.get_running_loop().time(), second)  # timers may be early by a clock's tick
        for stream in self._due.pop(second):
            if (at := stream.look(now)) is not None:
                self.look_at(stream, at)
