"""Fakes of social-graph and post: HTTP servers with the routes that identity calls."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["NO_RELATION", "FakeServices", "JsonResponse", "serve_fake_services", "serve_json"]

Json = dict[str, Any]
JsonResponse = tuple[int, Json]
NO_RELATION = dict.fromkeys(("following", "requested", "followed_by", "requested_by", "blocking", "muting"), False)


@contextmanager
def serve_json(
    respond: Callable[[str, Mapping[str, str]], JsonResponse | None],
    put: Callable[[str, Json], JsonResponse | None] | None = None,
) -> Iterator[str]:
    """Serves GETs by `respond(target, headers)` and PUTs by `put(target, body)`; None closes the connection. Yields the
    server's URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(respond(self.path, dict(self.headers)))

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(put(self.path, json.loads(body)) if put else (405, {}))

        def _send(self, response: JsonResponse | None) -> None:
            if response is None:
                self.close_connection = True
                return
            status, body = response
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class FakeServices:
    """Data of both services. Services in `down` close every connection."""

    followers: dict[str, int] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)
    relations: dict[tuple[str, str], Json] = field(default_factory=dict)
    """By viewer and account."""
    down: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Json] = field(default_factory=dict)
    """The latest state that was stored, by account."""
    url: str = ""

    def reset(self) -> None:
        for kept in (self.followers, self.posts, self.relations, self.down, self.calls, self.accounts):
            kept.clear()

    def put(self, target: str, body: Json) -> JsonResponse | None:
        if "social-graph" in self.down:
            return None
        self.accounts[urlsplit(target).path.split("/")[3]] = body
        return 200, {"version": body["version"]}

    def respond(self, target: str, headers: Mapping[str, str]) -> JsonResponse | None:
        self.calls[target] += 1
        parts = urlsplit(target)
        account_id = parts.path.split("/")[3]
        if parts.path.endswith("/posts/count"):
            return None if "post" in self.down else (200, {"posts": self.posts.get(account_id, 0)})
        assert parts.path.endswith("/summary")
        if "social-graph" in self.down:
            return None
        viewer = parse_qs(parts.query).get("viewer_id", [""])[0]
        relation = self.relations.get((viewer, account_id), {})
        relationship = {"user_id": account_id, **NO_RELATION, **relation}
        blocked_by = relationship.pop("blocked_by", False)
        return 200, {
            "followers": self.followers.get(account_id, 0),
            "following": 0,
            "relationship": relationship if viewer not in ("", account_id) else None,
            "blocked_by": blocked_by,
        }


@contextmanager
def serve_fake_services() -> Iterator[FakeServices]:
    services = FakeServices()
    with serve_json(services.respond, services.put) as services.url:
        yield services
