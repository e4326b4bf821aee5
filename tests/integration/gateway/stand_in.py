"""A service that does as a test tells it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

__all__ = ["App", "Seen", "Service", "respond"]

App = Callable[[Scope, Receive, Send], Awaitable[None]]


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
