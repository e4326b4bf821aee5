"""The HTTP toolkit of every deployable.

create_api_app       a service's API: routes with declared policies, which middleware enforces
create_service_app   problems, request ids, access log, metrics, traces, health; routers of any kind
ops_app              the same without an API, for consumers: /healthz /readyz /metrics
run                  the server
"""

from __future__ import annotations

from photomesh_shared.http.app import ApiDeps, app_deps, create_api_app, create_service_app, ops_app
from photomesh_shared.http.health import Check, Readiness
from photomesh_shared.http.idempotency import Creation
from photomesh_shared.http.internal import InternalRouter
from photomesh_shared.http.paging import PRIVATE, Page, PageRequest, Paging
from photomesh_shared.http.policy import Auth, Budget, RateClass, RoutePolicy
from photomesh_shared.http.problems import ProblemDocument, problems
from photomesh_shared.http.router import ApiRouter
from photomesh_shared.http.server import run

__all__ = [
    "PRIVATE",
    "ApiDeps",
    "ApiRouter",
    "Auth",
    "Budget",
    "Check",
    "Creation",
    "InternalRouter",
    "Page",
    "PageRequest",
    "Paging",
    "ProblemDocument",
    "RateClass",
    "Readiness",
    "RoutePolicy",
    "app_deps",
    "create_api_app",
    "create_service_app",
    "ops_app",
    "problems",
    "run",
]
