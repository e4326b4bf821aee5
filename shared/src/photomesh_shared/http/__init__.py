"""The HTTP toolkit of every deployable.

create_api_app       a service's API: routes with declared policies, which middleware enforces
create_service_app   problems, request ids, access log, metrics, traces, health; routers of any kind
ops_app              health and metrics alone, for consumers: /healthz /readyz /metrics
run                  the server

Names are imported on first use (PEP 562), so that consumers, which need the last two only, do not load FastAPI.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from photomesh_shared.http.app import ApiDeps, app_deps, create_api_app, create_service_app
    from photomesh_shared.http.health import Check, Readiness, ops_app
    from photomesh_shared.http.idempotency import Creation
    from photomesh_shared.http.internal import InternalRouter
    from photomesh_shared.http.paging import PRIVATE, Page, PageRequest, Paging
    from photomesh_shared.http.policy import Auth, Budget, RateClass, RoutePolicy
    from photomesh_shared.http.problems import ProblemDocument
    from photomesh_shared.http.router import ApiRouter
    from photomesh_shared.http.serving.server import run

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
    "run",
]

_MODULES = {
    "app": ("ApiDeps", "app_deps", "create_api_app", "create_service_app"),
    "health": ("Check", "Readiness", "ops_app"),
    "idempotency": ("Creation",),
    "internal": ("InternalRouter",),
    "paging": ("PRIVATE", "Page", "PageRequest", "Paging"),
    "policy": ("Auth", "Budget", "RateClass", "RoutePolicy"),
    "problems": ("ProblemDocument",),
    "router": ("ApiRouter",),
    "serving.server": ("run",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = found
    return found
