"""One request on its way through the gateway: its body as it comes in, its answer as it goes out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from time import perf_counter

from starlette.types import Message, Receive, Scope, Send

from photomesh_gateway.watch import Watch
from photomesh_shared.errors import CONTENT_TYPE, PayloadTooLarge, Problem, problem_body

__all__ = ["ClientGone", "Exchange", "Headers"]

Headers = list[tuple[bytes, bytes]]


class ClientGone(Exception):
    """The client closed the connection before its request or its answer was complete."""


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
        self.headers: Headers = []  # to be added to the answer, whatever it is
        self.status = 0  # of the answer, once that has begun
        self.watch = Watch(receive)
        self.failure: Exception | None = None  # why the body could not be read
        self._receive, self._send = receive, send
        self._max_body = max_body

    async def body(self) -> bytes | AsyncIterator[bytes] | None:
        """The request's body: whole when it came in one piece, else its pieces as they come.

        Raises PayloadTooLarge and ClientGone. While it is read in pieces, `failure` holds them as well, because the
        HTTP client that reads then raises an error of its own.
        """
        length = self.fields.get(b"content-length")
        if length == b"0" or (length is None and b"transfer-encoding" not in self.fields):
            self.watch.arrived()
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
            self.watch.arrived()
        return piece, more

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body may have {self._max_body} bytes at most.", max_bytes=self._max_body)

    async def begin(self, status: int, headers: Headers) -> None:
        """Sends the answer's status and headers."""
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers + self.headers})

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Sends some of the answer's body; waits while the client is slower than the service."""
        if not more:
            self.watch.stop()
        await self._send({"type": "http.response.body", "body": piece, "more_body": more})

    async def send(self, message: Message) -> None:
        """ASGI's `send`, for an app that answers instead of a service."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *self.headers]
        await self._send(message)

    async def answer(self, status: int, headers: Headers) -> None:
        """Answers without a body."""
        await self.begin(status, headers)
        await self.write(b"", more=False)

    async def refuse(self, problem: Problem, type_base: str) -> None:
        """Answers with a problem document."""
        body = json.dumps(problem_body(problem, type_base=type_base, request_id=self.request_id)).encode()
        headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        headers += [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        await self.begin(problem.status, headers)
        await self.write(body, more=False)
