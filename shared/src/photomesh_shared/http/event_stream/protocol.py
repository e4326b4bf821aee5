"""The server's protocol until a stream begins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from photomesh_shared.http.event_stream.stream import EventStream, Streams
from photomesh_shared.http.serving.protocol import BoundedProtocol, ConnectionLimits, bounded_protocol
from photomesh_shared.http.serving.transport import LingeringTransport

__all__ = ["HAND_OVER_KEY", "HandOver", "StreamingProtocol", "streaming_protocol"]

HAND_OVER_KEY = "photomesh.hand_over"
"""Where the `StreamingApp` finds a request's `HandOver`."""

HandOver = Callable[[EventStream, Streams], None]


class StreamingProtocol(BoundedProtocol):
    """Configured by `streaming_protocol`; uvicorn instantiates it for each connection."""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        hand_over: HandOver = partial(self._hand_over, self.cycle)
        self.scope[HAND_OVER_KEY] = hand_over  # type: ignore[literal-required]

    def _hand_over(self, cycle: RequestResponseCycle, stream: EventStream, streams: Streams) -> None:
        """Leave the connection to the stream, as uvicorn leaves it to the protocol of a WebSocket. Requests that were
        sent after this one get no response, as the head has announced."""
        self._forget_head_timer()
        self._forget_write_timer()
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        self.connections.discard(self)
        self.parser = None  # type: ignore[assignment]  # it references this object
        cycle.response_complete = True  # for uvicorn
        if self.transport.is_closing():
            self.transport.abort()
        else:
            self.flow.resume_reading()
        transport = cast("LingeringTransport", self.transport).release()
        stream.begin(transport, self.server_state, streams, writable=not self.flow.write_paused)


def streaming_protocol(type_base: str, limits: ConnectionLimits | None = None) -> type[asyncio.Protocol]:
    """Create the protocol class for uvicorn, of a `StreamingApp`. See `bounded_protocol`."""
    return bounded_protocol(type_base, limits, protocol=StreamingProtocol)
