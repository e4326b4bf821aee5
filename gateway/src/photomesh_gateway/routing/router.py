"""Routes, and the router that finds one by path."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from photomesh_gateway.routing.upstreams import Upstream
from photomesh_shared.http import Auth, Budget, RateClass
from photomesh_shared.tokens.roles import Role

__all__ = ["Resource", "Route", "Router"]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    template: str
    upstream: Upstream
    auth: Auth
    rate: RateClass
    max_body: int  # bytes
    budget: Budget | None = None
    role: Role | None = None  # of staff


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
    if route.method == "GET" and route.rate is not RateClass.STREAM:
        # Services need not implement HEAD: it is forwarded as GET, and the server omits the body. That of a stream
        # would never end.
        resource.methods["HEAD"] = route
    resource.allow = ", ".join(sorted({*resource.methods, "OPTIONS"}))
