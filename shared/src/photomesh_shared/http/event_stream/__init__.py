"""Server-Sent Events (WHATWG HTML, 9.2) as raw ASGI, and below it.

The route answers like any other, and returns an `EventStreamResponse`: its head is sent inside the app, with everything
that middleware adds. Then the stream becomes the protocol of the connection, so that neither the framework's frames nor
the server's nor a span stay for as long as it does: an open stream is an object and its transport.

    run(StreamingApp(create_app(settings)), settings, protocol=streaming_protocol(…), …)

    @router.get("/v1/…/stream", …)
    async def stream(…) -> EventStreamResponse: ...
"""

from __future__ import annotations

from photomesh_shared.http.event_stream.app import StreamingApp
from photomesh_shared.http.event_stream.encoding import COMMENT, encode_event
from photomesh_shared.http.event_stream.protocol import streaming_protocol
from photomesh_shared.http.event_stream.response import EventStreamResponse
from photomesh_shared.http.event_stream.stream import End, EventStream, StreamLimits

__all__ = [
    "COMMENT",
    "End",
    "EventStream",
    "EventStreamResponse",
    "StreamLimits",
    "StreamingApp",
    "encode_event",
    "streaming_protocol",
]
