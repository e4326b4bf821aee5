"""One request and its response on their way through the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from time import perf_counter

from starlette.types import Message, Receive, Scope, Send

from photomesh_gateway.errors import RequestTimeout
from photomesh_gateway.proxy.deadline import Deadline
from photomesh_shared.errors import CONTENT_TYPE, PayloadTooLarge, Problem, problem_body

__all__ = ["ClientGone", "Exchange", "Headers"]

Headers = list[tuple[bytes, bytes]]

_CLOSE = {"Connection": "close"}  # rather than read the rest of a body that is not wanted


class ClientGone(Exception):
    """The client closed the connection, or did not read, before the request or the response was complete."""


class Exchange:
    """Wraps the ASGI arguments of one request, in the task that serves it."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
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
        self.writing = False  # while the client is slower than the service
        self.streaming = False  # once a stream has begun
        self.deadline = Deadline(receive)
        self._receive, self._send = receive, send

    async def read_body(self, max_bytes: int, seconds: float) -> bytes | None:
        """The whole body, or None if the request has none. Raises PayloadTooLarge, RequestTimeout and ClientGone."""
        length = self.fields.get(b"content-length")
        if length == b"0" or (length is None and b"transfer-encoding" not in self.fields):
            return None
        if length is not None and int(length) > max_bytes:
            raise _too_large(max_bytes)
        body, more = await self._read_piece()
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
        if more:
            try:
                async with asyncio.timeout(seconds):
                    body = await self._read_rest(body, max_bytes)
            except TimeoutError:
                raise RequestTimeout(headers=_CLOSE) from None
        return body

    async def _read_rest(self, first: bytes, max_bytes: int) -> bytes:
        body, more = bytearray(first), True
        while more:
            piece, more = await self._read_piece()
            body += piece
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
        return bytes(body)

    async def _read_piece(self) -> tuple[bytes, bool]:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        return message.get("body", b""), message.get("more_body", False)

    async def begin(self, status: int, headers: Headers) -> None:
        """Sends the response's status and headers."""
        self.status = status
        await self._write({"type": "http.response.start", "status": status, "headers": headers + self.headers})

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Sends a piece of the response's body; waits while the client is slower than the service."""
        if not more:
            self.deadline.ignore_disconnect()
        await self._write({"type": "http.response.body", "body": piece, "more_body": more})

    async def _write(self, message: Message) -> None:
        self.writing = True
        await self._send(message)
        self.writing = False

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


def _too_large(max_bytes: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body may have {max_bytes} bytes at most.", headers=_CLOSE, max_bytes=max_bytes)
