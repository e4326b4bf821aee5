"""One request and its response on their way through the gateway."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from time import perf_counter

from starlette.types import Message, Receive, Scope, Send

from photomesh_gateway.proxy.deadline import Deadline
from photomesh_shared.errors import CONTENT_TYPE, PayloadTooLarge, Problem, problem_body

__all__ = ["ClientGone", "Exchange", "Headers"]

Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client closed the connection before the request or the response was complete."""


class Exchange:
    """Wraps the ASGI arguments of one request, in the task that serves it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, max_body: int) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.fields: Mapping[bytes, bytes] = dict(scope["headers"])  # the last of each name
        self.request_id = self.trace_id = ""
        self.client = ""  # its address
        self.account_id: int | None = None
        self.started_at = perf_counter()
        self.upstream_seconds: float | None = None
        self.to_service: dict[str, str] = {}  # headers that the gateway adds to the request
        self.headers: Headers = []  # headers that the gateway adds to any response
        self.status = 0  # of the response, once that has begun
        self.deadline = Deadline(receive)
        self.failure: Exception | None = None  # why the body could not be read
        self._receive, self._send = receive, send
        self._max_body = max_body

    async def body(self) -> bytes | AsyncIterator[bytes] | None:
        """The request's body: whole if it arrived in one piece, else its pieces as they arrive.

        Raises PayloadTooLarge and ClientGone. While pieces are read, `failure` holds them as well, because the HTTP
        client that reads them raises an error of its own.
        """
        length = self.fields.get(b"content-length")
        if length == b"0" or (length is None and b"transfer-encoding" not in self.fields):
            self.deadline.mark_body_arrived()
            return None
        if length is not None and int(length) > self._max_body:
            raise self._too_large()
        first, more = await self._read(0)
        return self._pieces(first) if more else first

    async def _pieces(self, piece: bytes) -> AsyncIterator[bytes]:
        yield piece
        size, more = len(piece), True
        while more:
            piece, more = await self._read(size)
            size += len(piece)
            yield piece

    async def _read(self, size: int) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.failure = ClientGone()
            raise self.failure
        piece, more = message.get("body", b""), message.get("more_body", False)
        if size + len(piece) > self._max_body:
            self.failure = self._too_large()
            raise self.failure
        if not more:
            self.deadline.mark_body_arrived()
        return piece, more

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body may have {self._max_body} bytes at most.", max_bytes=self._max_body)

    async def begin(self, status: int, headers: Headers) -> None:
        """Sends the response's status and headers."""
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers + self.headers})

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Sends a piece of the response's body; waits while the client is slower than the service."""
        if not more:
            self.deadline.stop()
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def send(self, message: Message) -> None:
        """ASGI's `send`, for an app that responds in a service's stead."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self.headers]
        await self._send(message)

    async def respond(self, status: int, headers: Headers) -> None:
        """Responds without a body."""
        await self.begin(status, headers)
        await self.write(b"", more=False)

    async def refuse(self, problem: Problem, type_base: str) -> None:
        """Responds with a problem document."""
        body = json.dumps(problem_body(problem, type_base=type_base, request_id=self.request_id)).encode()
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        await self.begin(problem.status, headers)
        await self.write(body, more=False)
