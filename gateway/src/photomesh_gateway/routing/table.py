"""The routing table: every operation of the services, with its policy.

It lists operations rather than prefixes, so that the gateway itself refuses a path or method that no service has.
`routes.json` is written by `make openapi` from the services' routes, where each policy is declared.
"""

from __future__ import annotations

import json
from importlib.resources import files

from photomesh_gateway.routing.router import Route
from photomesh_gateway.routing.upstreams import Upstream
from photomesh_shared.http import Auth, Budget, RateClass
from photomesh_shared.tokens.roles import Role

__all__ = ["ROUTES"]

ROUTES = tuple(
    Route(
        row["method"],
        row["path"],
        Upstream(row["upstream"]),
        Auth(row["auth"]),
        RateClass(row["rate"]),
        row["max_body"],
        Budget(row["budget"]) if row.get("budget") else None,
        Role(row["role"]) if row.get("role") else None,
    )
    for row in json.loads((files("photomesh_gateway.routing") / "routes.json").read_bytes())
)
