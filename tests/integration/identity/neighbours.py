"""Social-graph and post, as far as profiles ask them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["Neighbours", "serve_neighbours"]

Json = dict[str, Any]
NOTHING = dict.fromkeys(("following", "requested", "followed_by", "requested_by", "blocking", "muting"), False)


@dataclass
class Neighbours:
    """What they answer; whoever is `away` breaks every connection off."""

    followers: dict[str, int] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)
    relations: dict[tuple[str, str], Json] = field(default_factory=dict)
    """By viewer and account."""
    away: set[str] = field(default_factory=set)
    asked: Counter[str] = field(default_factory=Counter)
    url: str = ""

    def forget(self) -> None:
        for kept in (self.followers, self.posts, self.relations, self.away, self.asked):
            kept.clear()

    def answer(self, target: str) -> Json | None:
        """None when the one who is asked is away."""
        self.asked[target] += 1
        parts = urlsplit(target)
        account_id = parts.path.split("/")[3]
        if parts.path.endswith("/posts/count"):
            return None if "post" in self.away else {"posts": self.posts.get(account_id, 0)}
        assert parts.path.endswith("/summary")
        if "social-graph" in self.away:
            return None
        viewer = parse_qs(parts.query).get("viewer_id", [""])[0]
        known = self.relations.get((viewer, account_id), {})
        relationship = {"user_id": account_id, **NOTHING, **known}
        blocked_by = relationship.pop("blocked_by", False)
        return {
            "followers": self.followers.get(account_id, 0),
            "following": 0,
            "relationship": relationship if viewer not in ("", account_id) else None,
            "blocked_by": blocked_by,
        }


@contextmanager
def serve_neighbours() -> Iterator[Neighbours]:
    neighbours = Neighbours()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = neighbours.answer(self.path)
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    neighbours.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield neighbours
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
