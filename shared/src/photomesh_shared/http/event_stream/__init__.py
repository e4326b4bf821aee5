"""Server-Sent Events (WHATWG HTML, 9.2) as raw ASGI.

The route answers like any other, and returns an `EventStream`: its head is sent inside the app, with everything that
middleware adds. The body is sent by `StreamingApp`, outside of the app, so that neither the framework's frames nor a
span stay open for as long as a stream does: an open stream is two tasks and a queue.

    run(StreamingApp(create_app(settings)), settings, …)

    @router.get("/v1/…/stream", …)
    async def stream(…) -> EventStream: ...
"""

from __future__ import annotations

from photomesh_shared.http.event_stream.app import StreamingApp
from photomesh_shared.http.event_stream.encoding import COMMENT, encode_event
from photomesh_shared.http.event_stream.stream import End, EventStream, StreamLimits

__all__ = ["COMMENT", "End", "EventStream", "StreamLimits", "StreamingApp", "encode_event"]
