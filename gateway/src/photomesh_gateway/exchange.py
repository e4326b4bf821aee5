"""One request on its way through the gateway: its body as it comes in, its answer as it goes out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from time import perf_counter

from starlette.types import Message, Receive, Scope, Send

from photomesh_shared.errors import CONTENT_TYPE, PayloadTooLarge, Problem, problem_body

__all__ = ["ClientGone", "Exchange", "Headers"]

Headers = list[tuple[bytes, bytes]]

# Most answers are there sooner, and nobody needs to watch whether the client is still there.
_WATCH_AFTER_SECONDS = 0.05


class ClientGone(Exception):
    """The client closed the connection before its request or its answer was complete."""


class Exchange:
    """Wraps the ASGI arguments of one request; made and used in the task that serves it.

    While the service works, nothing else would notice that the client has gone: then the task is cancelled and
    `client_gone` is set, which ends the request to the service too.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, max_body: int) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.fields: Mapping[bytes, bytes] = dict(scope["headers"])  # the last of each name
        self.request_id = ""
        self.client = ""  # its address
        self.account_id: int | None = None
        self.started_at = perf_counter()
        self.upstream_seconds: float | None = None
        self.to_service: dict[str, str] = {}  # headers that the gateway adds to the request
        self.headers: Headers = []  # to be added to the answer, whatever it is
        self.status = 0  # of the answer, once that has begun
        self.complete = False
        self.body_arrived = False
        self.client_gone = False
        self.failure: Exception | None = None  # why the body could not be read
        self._receive, self._send = receive, send
        self._max_body = max_body
        self._task = asyncio.current_task()
        self._timer: asyncio.TimerHandle | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def body(self) -> bytes | AsyncIterator[bytes] | None:
        """The request's body: whole when it came in one piece, else its pieces as they come.

        Raises PayloadTooLarge and ClientGone; once it is being read in pieces `failure` holds them as well.
        """
        length = self.fields.get(b"content-length")
        if length == b"0" or (length is None and b"transfer-encoding" not in self.fields):
            self._arrived()
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
            self.client_gone = True
            self.failure = ClientGone()
            raise self.failure
        piece, more = message.get("body", b""), message.get("more_body", False)
        if size + len(piece) > self._max_body:
            self.failure = self._too_large()
            raise self.failure
        if not more:
            self._arrived()
        return piece, more

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body may have {self._max_body} bytes at most.", max_bytes=self._max_body)

    def _arrived(self) -> None:
        self.body_arrived = True
        self._timer = asyncio.get_running_loop().call_later(_WATCH_AFTER_SECONDS, self._watch)

    def _watch(self) -> None:
        self._watcher = asyncio.create_task(self._cancel_when_gone())

    async def _cancel_when_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.complete and self._task is not None:
            self.client_gone = True
            self._task.cancel()

    async def begin(self, status: int, headers: Headers) -> None:
        """Sends the answer's status and headers."""
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": headers + self.headers})

    async def write(self, piece: bytes, *, more: bool) -> None:
        """Sends some of the answer's body; waits while the client is slower than the service."""
        self.complete = not more
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

    def close(self) -> None:
        """Stops watching the client."""
        if self._timer is not None:
            self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
