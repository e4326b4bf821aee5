"""Routes, and the router that finds one by path.

The table lists operations rather than prefixes, so that the gateway itself refuses a path or method that no service
has, and `tests/contract/test_openapi.py` holds it and the services' OpenAPI documents together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from photomesh_gateway.routing.upstreams import Upstream

__all__ = ["ROUTES", "Auth", "RateClass", "Resource", "Route", "Router", "Upstream"]


class RateClass(StrEnum):
    """Classes of routes: each has a rate limit and a time-out of its own."""

    READ = "read"
    WRITE = "write"
    UPLOAD = "upload"
    AUTH = "auth"  # takes credentials: a strict limit by address, because nobody is known yet


class Auth(Enum):
    REQUIRED = auto()
    OPTIONAL = auto()  # a token changes the answer; a bad one is refused all the same
    NONE = auto()  # the header is passed on unread


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    template: str
    upstream: Upstream
    rate: RateClass
    auth: Auth


_READ, _WRITE, _UPLOAD, _AUTH = RateClass.READ, RateClass.WRITE, RateClass.UPLOAD, RateClass.AUTH
_IDENTITY, _UPLOADS, _POST = Upstream.IDENTITY, Upstream.UPLOAD, Upstream.POST
_GRAPH, _FEED = Upstream.SOCIAL_GRAPH, Upstream.FEED

ROUTES = (
    Route("GET", "/.well-known/jwks.json", _IDENTITY, _READ, Auth.NONE),
    Route("POST", "/v1/accounts", _IDENTITY, _AUTH, Auth.NONE),
    Route("POST", "/v1/sessions", _IDENTITY, _AUTH, Auth.NONE),
    Route("POST", "/v1/sessions/refresh", _IDENTITY, _AUTH, Auth.NONE),
    Route("DELETE", "/v1/sessions/current", _IDENTITY, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/me", _IDENTITY, _READ, Auth.REQUIRED),
    Route("PATCH", "/v1/me", _IDENTITY, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/users/by-username/{username}", _IDENTITY, _READ, Auth.OPTIONAL),
    Route("GET", "/v1/users/{user_id}", _IDENTITY, _READ, Auth.OPTIONAL),
    Route("GET", "/v1/users/{user_id}/posts", _POST, _READ, Auth.OPTIONAL),
    Route("GET", "/v1/uploads", _UPLOADS, _READ, Auth.REQUIRED),
    Route("POST", "/v1/uploads/init", _UPLOADS, _UPLOAD, Auth.REQUIRED),
    Route("GET", "/v1/uploads/{upload_id}", _UPLOADS, _READ, Auth.REQUIRED),
    Route("DELETE", "/v1/uploads/{upload_id}", _UPLOADS, _WRITE, Auth.REQUIRED),
    Route("POST", "/v1/uploads/{upload_id}/parts", _UPLOADS, _UPLOAD, Auth.REQUIRED),
    Route("POST", "/v1/uploads/{upload_id}/complete", _UPLOADS, _UPLOAD, Auth.REQUIRED),
    Route("GET", "/v1/photos/{photo_id}", _POST, _READ, Auth.OPTIONAL),
    Route("POST", "/v1/posts", _POST, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/posts/{post_id}", _POST, _READ, Auth.OPTIONAL),
    Route("PATCH", "/v1/posts/{post_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/posts/{post_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("PUT", "/v1/posts/{post_id}/like", _POST, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/posts/{post_id}/like", _POST, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/posts/{post_id}/likes", _POST, _READ, Auth.OPTIONAL),
    Route("POST", "/v1/posts/{post_id}/comments", _POST, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/posts/{post_id}/comments", _POST, _READ, Auth.OPTIONAL),
    Route("GET", "/v1/comments/{comment_id}/replies", _POST, _READ, Auth.OPTIONAL),
    Route("DELETE", "/v1/comments/{comment_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("PUT", "/v1/comments/{comment_id}/like", _POST, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/comments/{comment_id}/like", _POST, _WRITE, Auth.REQUIRED),
    Route("PUT", "/v1/posts/{post_id}/save", _POST, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/posts/{post_id}/save", _POST, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/me/saves", _POST, _READ, Auth.REQUIRED),
    Route("POST", "/v1/me/collections", _POST, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/me/collections", _POST, _READ, Auth.REQUIRED),
    Route("PATCH", "/v1/me/collections/{collection_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/me/collections/{collection_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/me/collections/{collection_id}/posts", _POST, _READ, Auth.REQUIRED),
    Route("PUT", "/v1/me/collections/{collection_id}/posts/{post_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/me/collections/{collection_id}/posts/{post_id}", _POST, _WRITE, Auth.REQUIRED),
    Route("PUT", "/v1/users/{user_id}/follow", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/users/{user_id}/follow", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("PUT", "/v1/users/{user_id}/block", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/users/{user_id}/block", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("PUT", "/v1/users/{user_id}/mute", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/users/{user_id}/mute", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/users/{user_id}/followers", _GRAPH, _READ, Auth.OPTIONAL),
    Route("GET", "/v1/users/{user_id}/following", _GRAPH, _READ, Auth.OPTIONAL),
    Route("GET", "/v1/me/follow-requests", _GRAPH, _READ, Auth.REQUIRED),
    Route("PUT", "/v1/me/follow-requests/{user_id}", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/me/follow-requests/{user_id}", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("DELETE", "/v1/me/followers/{user_id}", _GRAPH, _WRITE, Auth.REQUIRED),
    Route("GET", "/v1/me/blocks", _GRAPH, _READ, Auth.REQUIRED),
    Route("GET", "/v1/me/mutes", _GRAPH, _READ, Auth.REQUIRED),
    Route("GET", "/v1/me/relationships", _GRAPH, _READ, Auth.REQUIRED),
    Route("GET", "/v1/feed", _FEED, _READ, Auth.REQUIRED),
    # Bookkeeping of reading, several a minute: it counts with the reads, so that scrolling takes nothing from writing.
    Route("POST", "/v1/feed/impressions", _FEED, _READ, Auth.REQUIRED),
)


@dataclass(slots=True)
class Resource:
    """The routes at one path, by method."""

    template: str
    methods: dict[str, Route] = field(default_factory=dict)
    allow: str = ""  # the methods, as in an `Allow` header


@dataclass(slots=True)
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    wildcard: _Node | None = None
    resource: Resource | None = None


# An encoded slash or a dot segment would be one path here and another at a service that decodes it.
_AMBIGUOUS = re.compile(r"%2f|%5c|%00|/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)


class Router:
    """Finds the resource at a path in one walk over its segments; a literal segment precedes a parameter."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        for route in routes:
            node = self._root
            for segment in route.template.split("/"):
                if segment.startswith("{"):
                    node.wildcard = node.wildcard or _Node()
                    node = node.wildcard
                else:
                    node = node.children.setdefault(segment, _Node())
            node.resource = node.resource or Resource(route.template)
            _add(node.resource, route)

    def match(self, raw_path: str) -> Resource | None:
        """The resource at an undecoded path; None when there is none."""
        if ("%" in raw_path or "/." in raw_path) and _AMBIGUOUS.search(raw_path):
            return None
        node: _Node | None = self._root
        for segment in raw_path.split("/"):
            assert node is not None
            node = node.children.get(segment) or (node.wildcard if segment else None)
            if node is None:
                return None
        return node.resource if node else None


def _add(resource: Resource, route: Route) -> None:
    if route.method in resource.methods:
        raise ValueError(f"{route.method} {route.template} is listed twice")
    resource.methods[route.method] = route
    if route.method == "GET":
        # Services need not implement HEAD: it is forwarded as GET, and the server omits the body.
        resource.methods["HEAD"] = route
    resource.allow = ", ".join(sorted({*resource.methods, "OPTIONS"}))
