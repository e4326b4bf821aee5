"""The response that a stream begins with."""

from __future__ import annotations

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from photomesh_shared.http.event_stream.stream import EventStream

__all__ = ["STREAM_KEY", "EventStreamResponse"]

STREAM_KEY = "photomesh.event_stream"
"""Where a response leaves its stream to the `StreamingApp`."""


class EventStreamResponse(StreamingResponse):
    """The head of a stream. The rest is left to the `StreamingApp` around the app."""

    media_type = "text/event-stream"

    def __init__(self, stream: EventStream) -> None:
        self.stream = stream
        self.status_code = 200
        self.background = None
        # `no-transform`: no cache on the way may compress it, and thereby hold events back. `X-Accel-Buffering`: nginx.
        # `close`: the connection is the stream's, and ends with it.
        self.init_headers({"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no", "Connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        except BaseException:
            await self.stream.fail()
            raise
        scope[STREAM_KEY] = self.stream
