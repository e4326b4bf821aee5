"""The app of a deployable: what all HTTP services share, and the API of services that have one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, runtime_checkable

from fastapi import APIRouter, FastAPI, Request
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from photomesh_shared.clock import SystemClock
from photomesh_shared.http.health import Readiness, health_routes
from photomesh_shared.http.idempotency import IdempotencyMiddleware, IdempotencyStore
from photomesh_shared.http.internal import InternalRouter
from photomesh_shared.http.problems import HANDLERS, with_problem_content
from photomesh_shared.http.request_context import RequestContextMiddleware
from photomesh_shared.http.router import ApiRouter
from photomesh_shared.internal_api.credentials import CallVerifier
from photomesh_shared.observability import tracing
from photomesh_shared.settings import CalleeSettings, ServiceSettings
from photomesh_shared.tokens.access import TokenVerifier

__all__ = ["ApiDeps", "app_deps", "create_api_app", "create_service_app"]

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


class ApiDeps(Protocol):
    """Dependencies of every API."""

    @property
    def token_verifier(self) -> TokenVerifier: ...


@runtime_checkable
class IdempotentApiDeps(Protocol):
    """Additional dependencies of an API with idempotent routes."""

    @property
    def idempotency(self) -> IdempotencyStore: ...


async def app_deps(request: Request) -> Any:  # async, because FastAPI runs sync ones in a thread
    """Return the service's `Deps`, opened by the lifespan: ``Dependencies = Annotated[Deps, Depends(app_deps)]``."""
    return request.app.state.deps


class _ServiceApp(FastAPI):
    """Keeps RequestContextMiddleware outermost, so that responses and errors of later middleware get a request id, a
    log line and a problem document too."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: ServiceSettings = self.state.settings
        frame = Middleware(RequestContextMiddleware, problem_type_base=settings.problem_type_base)
        self.user_middleware.insert(0, frame)
        return super().build_middleware_stack()

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = with_problem_content(super().openapi())
        return self.openapi_schema


def create_service_app(
    title: str,
    settings: ServiceSettings,
    *,
    lifespan: Lifespan,
    routers: Iterable[APIRouter],
    readiness: Readiness,
    description: str = "",
    alive: Callable[[], bool] = lambda: True,
    openapi_url: str | None = "/openapi.json",
) -> FastAPI:
    """Create a FastAPI app with problems, request ids, access log, metrics, traces and health. The lifespan opens the
    service's state and stores it on `app.state`."""

    @asynccontextmanager
    async def draining(app: FastAPI) -> AsyncIterator[None]:
        try:
            async with lifespan(app):
                yield
                readiness.draining = True
        finally:
            tracing.flush()

    app = _ServiceApp(
        title=title,
        version="1",
        description=description,
        lifespan=draining,
        openapi_url=openapi_url,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # Starlette builds the target from the request's `Host`
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # done by RequestContextMiddleware
        exception_handlers=HANDLERS,
        routes=list(health_routes(readiness, alive)),
    )
    app.state.settings = settings
    for router in routers:
        app.include_router(router)
    return app


def create_api_app(
    title: str,
    settings: ServiceSettings,
    open_deps: Callable[[Readiness], AbstractAsyncContextManager[ApiDeps]],
    *,
    routers: Sequence[ApiRouter],
    internal: Sequence[InternalRouter] = (),
    description: str,
) -> FastAPI:
    """Create the app of a service with an API, for `run`. Its lifespan opens the service's dependencies, as
    `app.state.deps`. No I/O happens before.
    """
    idempotent = {
        operation.path: operation.policy.max_body
        for router in routers
        for operation in router.operations
        if operation.policy.idempotent
    }
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_deps(readiness) as deps:
            app.state.deps = deps
            app.state.token_verifier = deps.token_verifier
            if idempotent:
                if not isinstance(deps, IdempotentApiDeps):
                    raise TypeError(f"{title} takes idempotency keys, so its dependencies need `idempotency`")
                app.state.idempotency = deps.idempotency
            if internal:
                if not isinstance(settings, CalleeSettings):
                    raise TypeError(f"{title} has internal routes, so its settings need the keys of their callers")
                app.state.call_verifier = CallVerifier(settings.program, settings.caller_keys, SystemClock())
            yield

    app = create_service_app(
        title,
        settings,
        lifespan=lifespan,
        # Internal calls first: they are compared with no public route, and public requests with no operation.
        routers=[*internal, *(router.routes for router in routers)],
        readiness=readiness,
        description=description,
    )
    if idempotent:
        app.add_middleware(IdempotencyMiddleware, paths=idempotent, problem_type_base=settings.problem_type_base)
    return app
