"""The ASGI app that sends the bodies of streams."""

from __future__ import annotations

import asyncio
import random

from starlette.types import ASGIApp, Receive, Scope, Send

from photomesh_shared.http.event_stream.stream import SCOPE_KEY, End, EventStream

__all__ = ["StreamingApp"]


class StreamingApp:
    """The ASGI app around an app with routes that return an `EventStream`. Knows the streams that are open."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._open: set[EventStream] = set()
        self._leaving_for: float | None = None

    def __len__(self) -> int:
        return len(self._open)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        stream: EventStream | None = scope.pop(SCOPE_KEY, None)
        if stream is None:
            return
        _forget_request(scope)
        self._open.add(stream)
        try:
            if self._leaving_for is not None:
                self._end_within(stream, self._leaving_for)
            await stream.run(receive, send)
        finally:
            self._open.discard(stream)

    def drain(self, seconds: float) -> None:
        """End all streams within so many seconds, spread evenly: their clients connect again, to other processes. Also
        ends streams that begin later."""
        self._leaving_for = seconds
        for stream in self._open:
            self._end_within(stream, seconds)

    @staticmethod
    def _end_within(stream: EventStream, seconds: float) -> None:
        asyncio.get_running_loop().call_later(random.uniform(0, seconds), stream.end, End.DRAINED)  # noqa: S311 - jitter


def _forget_request(scope: Scope) -> None:
    """Leave of the request what the server needs until its end: the rest would stay as long as the stream does."""
    if headers := scope.get("headers"):
        headers.clear()
    kept = {name: scope[name] for name in ("type", "method") if name in scope}
    scope.clear()
    scope.update(kept)
