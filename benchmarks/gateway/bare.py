"""A bare proxy, to compare with: raw ASGI and aiohttp, streaming both ways, and nothing else.

No token check, no rate limit, no log, no metrics, no time-outs, no request ids; as short as it can be written.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import aiohttp
from starlette.types import Receive, Scope, Send
from yarl import URL

_UPSTREAM = os.environ["BENCHMARK_UPSTREAM"]
_HOP_BY_HOP = {b"connection", b"host", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}
_sessions: list[aiohttp.ClientSession] = []


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    if not _sessions:
        connector = aiohttp.TCPConnector(limit=0)
        cookies = aiohttp.DummyCookieJar()
        _sessions.append(aiohttp.ClientSession(connector=connector, auto_decompress=False, cookie_jar=cookies))

    async def body() -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await receive()
            more = message.get("more_body", False)
            yield message.get("body", b"")

    names = {name for name, _ in scope["headers"]}
    url = _UPSTREAM + scope["raw_path"].decode() + "?" + scope["query_string"].decode()
    async with _sessions[0].request(
        scope["method"],
        URL(url, encoded=True),
        headers=[(n.decode("latin-1"), v.decode("latin-1")) for n, v in scope["headers"] if n not in _HOP_BY_HOP],
        data=body() if names & {b"content-length", b"transfer-encoding"} else None,
        allow_redirects=False,
    ) as response:
        headers = [(n.lower(), v) for n, v in response.raw_headers if n.lower() not in _HOP_BY_HOP]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        async for piece in response.content.iter_any():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body"})
