"""A fake of social-graph and post: an HTTP server with the routes that identity calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.support.json_server import Json, JsonResponse, serve_json

__all__ = ["NO_RELATION", "FakeServices", "serve_fake_services"]

NO_RELATION = dict.fromkeys(("following", "requested", "followed_by", "requested_by", "blocking", "muting"), False)


@dataclass
class FakeServices:
    """Data of both services. Services in `down` close every connection; so do PUTs with `writes` in it."""

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
        if self.down & {"social-graph", "writes"}:
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
