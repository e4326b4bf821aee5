"""uvicorn's HTTP/1.1 protocol with additional bounds.

Bounds the size and duration of a request's head, the length of the pipeline and the age of a connection. Disconnects a
client that does not read its responses. Responds to malformed requests with a problem document. Ignores `Upgrade`, as
RFC 9110 permits (7.8).
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from photomesh_shared.errors import CONTENT_TYPE, BadRequest, HeadersTooLarge, Problem, TooManyRequests, problem_body
from photomesh_shared.http.request_context import new_request_id
from photomesh_shared.http.serving.transport import LingeringTransport

__all__ = ["BoundedProtocol", "ConnectionBudget", "ConnectionLimits", "bounded_protocol"]


@dataclass(frozen=True)
class ConnectionLimits:
    """Limits of one connection. Ages vary by a quarter, so that connections opened together do not end together."""

    max_header_bytes: int = 32 * 1024  # names and values of a request
    max_headers: int = 100
    max_pipeline: int = 32  # requests that wait for the response to an earlier one
    head_seconds: float = 15.0  # until a request's head is complete, including the first on a connection
    write_seconds: float = 15.0  # without the client reading
    unacknowledged_seconds: float = 30.0  # until a client that has vanished is disconnected
    age_seconds: float = 120.0  # the next response closes an older connection, so that new pods get load


class ConnectionBudget(Protocol):
    """Bounds the number of connections per address."""

    def take(self, address: str) -> bool:
        """Count a connection. Returns False if the address has too many."""
        ...

    def give_back(self, address: str) -> None: ...


class BoundedProtocol(HttpToolsProtocol):
    """Configured by `bounded_protocol`; uvicorn instantiates it for each connection."""

    type_base: ClassVar[str] = ""
    limits: ClassVar[ConnectionLimits] = ConnectionLimits()
    budget: ClassVar[ConnectionBudget | None] = None

    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _expires_at = 0.0
    _counted_address: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        lingering = LingeringTransport(transport, self.loop, self.limits.write_seconds)
        super().connection_made(cast("asyncio.Transport", lingering))
        _disconnect_the_vanished(transport, self.limits.unacknowledged_seconds)
        self._expires_at = self.loop.time() + self.limits.age_seconds * (0.75 + random.getrandbits(16) / 2**17)
        self._expect_head()
        if self.budget is not None and self.client is not None:
            if self.budget.take(self.client[0]):
                self._counted_address = self.client[0]
            else:
                problem = TooManyRequests("Your address has too many connections.", violated_policies=["connections"])
                self._refuse(problem)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_head_timer()
        self._forget_write_timer()
        if self._counted_address is not None and self.budget is not None:
            self.budget.give_back(self._counted_address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._feed(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.max_header_bytes:
                self._refuse(HeadersTooLarge())

    def _feed(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(BadRequest("This is not a valid HTTP/1.1 request (RFC 9112)."))

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Continue in HTTP/1.1. After such a head, the parser treats the following bytes as another protocol, and skips
        the body; so the body goes to a parser that gets the framing fields without `Upgrade`."""
        if framing := self._framing():
            self.parser = httptools.HttpRequestParser(_BodyCallbacks(self))
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n")
        if rest:
            self._feed(rest)

    def _framing(self) -> bytes:
        """Return the header fields that delimit the request's body; empty if there is no body."""
        fields = (b"content-length", b"transfer-encoding")
        return b"".join(b"%b: %b\r\n" % (name, value) for name, value in self.headers if name in fields)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._in_head:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._forget_head_timer()
        size = sum(len(name) + len(value) for name, value in self.headers)
        if size > self.limits.max_header_bytes or len(self.headers) > self.limits.max_headers:
            self._refuse(HeadersTooLarge())
        elif self.parser.get_method() == b"CONNECT":
            self._refuse(BadRequest("This is not a proxy."))
        elif len(self.pipeline) >= self.limits.max_pipeline:
            self._refuse(BadRequest("Too many requests wait on this connection."))
        if self.transport.is_closing():
            raise ValueError("refused")  # ends parsing
        super().on_headers_complete()
        if self.loop.time() > self._expires_at:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        if not (self.parser.should_upgrade() and self._framing()):
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.pipeline:
            self.flow.pause_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(self.limits.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._forget_write_timer()
        super().resume_writing()

    def _expect_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._head_timer = self.loop.call_later(self.limits.head_seconds, self.timeout_keep_alive_handler)

    def _forget_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _forget_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _refuse(self, problem: Problem) -> None:
        """Respond with the problem, and close the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:
            self.transport.abort()  # a response to an earlier request is in progress and must not be overtaken
            return
        document = problem_body(problem, type_base=self.type_base, request_id=new_request_id())
        body = json.dumps(document).encode()
        headers = [
            *self.server_state.default_headers,
            (b"content-type", CONTENT_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(STATUS_LINE[problem.status] + head + b"\r\n" + body)
        self.transport.close()


def _disconnect_the_vanished(transport: asyncio.Transport, seconds: float) -> None:
    """Sets the time that sent bytes may remain unacknowledged; Linux waits for a quarter of an hour by itself."""
    connection = transport.get_extra_info("socket")
    if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        with suppress(OSError):  # not a TCP socket, or closed already
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(seconds * 1000))


class _BodyCallbacks:
    """Parser callbacks that ignore the head of the first message."""

    def __init__(self, protocol: BoundedProtocol) -> None:
        self._protocol = protocol
        self._first_head = True
        self.on_body = protocol.on_body
        self.on_message_complete = protocol.on_message_complete

    def on_message_begin(self) -> None:
        if not self._first_head:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._first_head:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._first_head:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._first_head:
            self._first_head = False
        else:
            self._protocol.on_headers_complete()


def bounded_protocol(
    type_base: str,
    limits: ConnectionLimits | None = None,
    budget: ConnectionBudget | None = None,
    *,
    protocol: type[BoundedProtocol] = BoundedProtocol,
) -> type[asyncio.Protocol]:
    """Create the protocol class for uvicorn, of the class `protocol`. `type_base` is the URL prefix of the problem
    types' pages."""

    class Configured(protocol):  # type: ignore[misc, valid-type]
        pass

    Configured.type_base, Configured.limits, Configured.budget = type_base, limits or ConnectionLimits(), budget
    return Configured
