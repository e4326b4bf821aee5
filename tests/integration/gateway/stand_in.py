"""Services that do as a test tells them, and gateways, each behind a real server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.types import Receive, Scope, Send

__all__ = ["App", "Seen", "Service", "listening", "respond"]

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # they are pytest's


@asynccontextmanager
async def listening(app: Any, protocol: Any = "httptools", **options: Any) -> AsyncIterator[str]:
    """An ASGI app behind a real server on this machine; its URL."""
    server = _Server(
        uvicorn.Config(
            app,
            port=0,
            http=protocol,
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
            **options,
        )
    )
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task


@dataclass
class Seen:
    """A request as a service got it."""

    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return dict(self.headers).get(name)


@dataclass
class Service:
    """Answers for every service. `answer` may be replaced; `seen` is what it was asked."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answer: App | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.answer is not None:
            await self.answer(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        self.seen.append(
            Seen(scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers, body)
        )
        await respond(send, b'{"ok":true}', headers=[(b"content-type", b"application/json")])

    @property
    def last(self) -> Seen:
        return self.seen[-1]


async def respond(
    send: Send, body: bytes, *, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*(headers or []), length]})
    await send({"type": "http.response.body", "body": body})
