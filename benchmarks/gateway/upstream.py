"""The service behind the proxies: answers every request with a photo's 364 bytes of JSON, as fast as uvicorn can.

It serves the key set as well, so that the gateway verifies real tokens.
"""

from __future__ import annotations

import os

from starlette.types import Receive, Scope, Send

_PHOTO = (
    b'{"id":"p_8aB3x9Q2","owner_id":"u_5Y1pXQm2","status":"ready","width":4032,"height":3024,'
    b'"placeholder":"2fcZFIB3iId/h3iJh4aIYJ2V8g==","alt_text":null,"variants":{'
    b'"1080":"http://127.0.0.1:18080/variants/aa/1080.jpg","640":"http://127.0.0.1:18080/variants/aa/640.jpg",'
    b'"320":"http://127.0.0.1:18080/variants/aa/320.jpg","150":"http://127.0.0.1:18080/variants/aa/150.jpg"}}'
)
_KEYS = os.environ.get("BENCHMARK_JWKS", "{}").encode()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    while scope["method"] == "POST" and (await receive()).get("more_body"):
        pass
    body = _KEYS if scope["path"].endswith("jwks.json") else _PHOTO
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
