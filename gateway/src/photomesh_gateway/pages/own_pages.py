"""Serves the gateway's own pages: what is alike for all of them."""

from __future__ import annotations

import asyncio
import gzip
from typing import NamedTuple

from fastapi import FastAPI
from starlette.routing import Match
from starlette.types import Message, Receive

from photomesh_gateway.compression import MIN_BYTES, VARY, accepts_gzip, gzip_headers, not_modified_headers, plain_tags
from photomesh_gateway.proxy.exchange import Exchange, Headers
from photomesh_shared.errors import MethodNotAllowed
from photomesh_shared.http.conditional import content_tag, names_tag

__all__ = ["OwnPages"]

_ALLOW = "GET, HEAD, OPTIONS"


class _Content(NamedTuple):
    """What is known of a page's bytes."""

    tag: str
    compressed: bytes


class OwnPages:
    """Adds HEAD, OPTIONS, entity tags and compression to the app of the pages, whose routes have GET only.

    Their content does not change while the process runs, so each is compressed once, as small as possible.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._contents: dict[bytes, _Content] = {}

    async def serve(self, exchange: Exchange, receive: Receive) -> None:
        """Responds. Raises MethodNotAllowed."""
        scope = exchange.scope
        if any(route.matches(scope)[0] is not Match.NONE for route in self._app.router.routes):
            if exchange.method == "OPTIONS":
                await exchange.respond(204, [(b"allow", _ALLOW.encode())])
                return
            if exchange.method not in ("GET", "HEAD"):
                raise MethodNotAllowed(headers={"Allow": _ALLOW})
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal body
            start.update(message)
            body += message.get("body", b"")

        # The server omits the body of the response to a HEAD.
        await self._app({**scope, "method": "GET"} if exchange.method == "HEAD" else scope, receive, collect)
        status: int = start["status"]
        headers: Headers = list(start["headers"])
        if status == 200:
            status, headers, body = await self._represent(exchange, headers, body)
        await exchange.begin(status, headers)
        await exchange.write(body, more=False)

    async def _represent(self, exchange: Exchange, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        """Return status, headers and body of the representation that the client accepts, or of a 304."""
        content = self._contents.get(body)
        if content is None:
            compressed = await asyncio.to_thread(gzip.compress, body, 9, mtime=0)
            content = self._contents[body] = _Content(content_tag(body), compressed)
        headers.append((b"etag", content.tag.encode()))
        condition = exchange.fields.get(b"if-none-match")
        if condition is not None and names_tag([plain_tags(condition.decode("latin-1"))], content.tag):
            kept = [(name, value) for name, value in headers if name not in (b"content-length", b"content-type")]
            return 304, not_modified_headers(kept, condition), b""
        if len(body) < MIN_BYTES:
            return 200, headers, body
        headers.append(VARY)
        if not accepts_gzip(exchange.fields.get(b"accept-encoding")):
            return 200, headers, body
        return 200, gzip_headers(headers, len(content.compressed)), content.compressed
