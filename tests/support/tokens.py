"""An issuer of access tokens as identity's, so that a service can be tested without identity running."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from photomesh_shared.ids import encode

__all__ = ["Issuer", "free_port", "serve_jwks"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Issuer:
    """Signs tokens; `jwks_url` serves its public key while `serve_jwks` lasts."""

    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": uuid.uuid4().hex, "alg": "ES256"}))
    jwks_url: str = ""

    def jwks(self) -> dict[str, Any]:
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, account_id: int, *, expires_in: int = 900, key: ECKey | None = None, **claims: Any) -> str:
        """An access token; `claims` override (audience: ``aud=…``), `key` signs with another key (a forgery)."""
        now = int(datetime.now(UTC).timestamp())
        standard = {
            "iss": "photomesh",
            "aud": "photomesh-api",
            "sub": encode("u", account_id),
            "sid": encode("ss", 1),
            "jti": uuid.uuid4().hex,
            "typ": "access",
            "iat": now,
            "exp": now + expires_in,
        }
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, standard | claims, key or self.key)

    def headers(self, account_id: int, **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(account_id, **claims)}"}


@contextmanager
def serve_jwks(issuer: Issuer) -> Iterator[Issuer]:
    """Serves the issuer's key set on a port of its own."""
    body = json.dumps(issuer.jwks()).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    issuer.jwks_url = f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
