"""uvicorn's HTTP/1.1 protocol with bounds on a request's head, and problem documents for malformed requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from photomesh_gateway.errors import HeadersTooLarge
from photomesh_gateway.settings import Settings
from photomesh_shared.errors import CONTENT_TYPE, BadRequest, Problem, problem_body
from photomesh_shared.request_context import new_request_id

__all__ = ["bounded_protocol"]

_LINGER_SECONDS = 1.0
_HEAD_SECONDS = 15.0  # for the head of a request, also of the first one on a connection


class _CoalescingTransport:
    """A transport that joins the writes of one turn of the event loop: a response's head and its body."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> None:
        if not self._pieces:
            self._loop.call_soon(self._flush)
        self._pieces.append(piece)

    def _flush(self) -> None:
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._transport.write(b"".join(pieces))

    def write_eof(self) -> None:
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


def bounded_protocol(settings: Settings) -> type[asyncio.Protocol]:
    """The protocol class with the settings' bounds; uvicorn instantiates it."""

    class BoundedProtocol(HttpToolsProtocol):
        _in_head = True
        _head_bytes = 0
        _head_timer: asyncio.TimerHandle | None = None
        _refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(cast("asyncio.Transport", _CoalescingTransport(transport, self.loop)))
            self._expect_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_timer()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._refused:
                return
            super().data_received(data)
            if self._in_head and not self._refused:
                self._head_bytes += len(data)
                if self._head_bytes > settings.max_header_bytes:
                    self._refuse(HeadersTooLarge())

        def on_message_begin(self) -> None:
            super().on_message_begin()
            if not self._in_head:
                self._expect_head()

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._forget_timer()
            size = sum(len(name) + len(value) for name, value in self.headers)
            if size > settings.max_header_bytes or len(self.headers) > settings.max_headers:
                self._refuse(HeadersTooLarge())
                raise ValueError("headers too large")
            super().on_headers_complete()

        def send_400_response(self, msg: str) -> None:
            if not self._refused:
                self._refuse(BadRequest("This is not an HTTP/1.1 request as RFC 9112 has it."))

        def _expect_head(self) -> None:
            self._in_head, self._head_bytes = True, 0
            self._head_timer = self.loop.call_later(_HEAD_SECONDS, self.timeout_keep_alive_handler)

        def _forget_timer(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _refuse(self, problem: Problem) -> None:
            self._refused = True
            if self.cycle is not None and not self.cycle.response_complete:
                self.transport.close()  # a response to an earlier request is in progress and must not be overtaken
                return
            body = json.dumps(
                problem_body(problem, type_base=settings.problem_type_base, request_id=new_request_id())
            ).encode()
            head = f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
            # Closing at once would reset the connection while the client still sends: it would not see the response.
            self.transport.write_eof()
            self._head_timer = self.loop.call_later(_LINGER_SECONDS, self.transport.close)

    return BoundedProtocol
