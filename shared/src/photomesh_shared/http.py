"""What every HTTP service does alike: problems, request ids, access log, metrics, traces, health, and the server.

create_service_app   a FastAPI app with all of it; routers are the service's own
ops_app              the same without an API, for consumers: /healthz /readyz /metrics
run                  uvicorn until SIGTERM, then drain
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from http import HTTPStatus
from types import FrameType
from typing import Any, Literal

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from photomesh_shared.errors import (
    CONTENT_TYPE,
    BadRequest,
    FieldError,
    InvalidRequest,
    MalformedJson,
    MethodNotAllowed,
    PayloadTooLarge,
    Problem,
    RouteNotFound,
    problem_body,
)
from photomesh_shared.observability import logs, tracing
from photomesh_shared.observability.metrics import render
from photomesh_shared.request_context import RequestContextMiddleware
from photomesh_shared.settings import ServiceSettings

__all__ = ["Check", "ProblemDocument", "Readiness", "create_service_app", "ops_app", "problems", "run"]

Check = Callable[[], Awaitable[object]]
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
_CHECK_SECONDS = 2.0


class ProblemField(BaseModel):
    pointer: str = Field(examples=["/username"])
    detail: str = Field(examples=["String should have at least 3 characters"])


class ProblemDocument(BaseModel):
    """An RFC 9457 problem. `type` is stable and answers with an explanation; other members may be added."""

    type: str = Field(examples=["http://127.0.0.1:18000/problems/invalid-request"])
    title: str = Field(examples=["The request is not valid"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["invalid-request"])
    retryable: bool = Field(description="Whether the same request may succeed later.", examples=[False])
    detail: str | None = None
    errors: list[ProblemField] | None = None
    request_id: str | None = Field(None, examples=["req_5Y1pXQm2"])


def problems(*kinds: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route: which problems it answers with, each with an example."""
    responses: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        entry = responses.setdefault(
            kind.status,
            {
                "model": ProblemDocument,
                "description": HTTPStatus(kind.status).phrase,
                "content": {CONTENT_TYPE: {"examples": {}}},
            },
        )
        body = problem_body(kind(), type_base="http://127.0.0.1:18000/problems", request_id="req_5Y1pXQm2")
        entry["content"][CONTENT_TYPE]["examples"][kind.code] = {"summary": kind.title, "value": body}
    return responses


class Readiness:
    """The dependencies without which a process cannot serve, each with a check that raises when it is away."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.draining = False

    def add(self, name: str, check: Check) -> None:
        self._checks[name] = check

    async def failures(self) -> dict[str, str]:
        """What is not well, by name; empty when ready."""
        if self.draining:
            return {"process": "draining"}

        async def run(name: str, check: Check) -> tuple[str, str] | None:
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await check()
            except Exception as error:  # noqa: BLE001 — whatever a check raises means "not ready"
                return name, f"{type(error).__name__}: {error}"[:200]
            return None

        outcomes = await asyncio.gather(*(run(name, check) for name, check in self._checks.items()))
        return dict(outcome for outcome in outcomes if outcome)


def _problem_response(request: Request, problem: Problem) -> JSONResponse:
    settings: ServiceSettings = request.app.state.settings
    body = problem_body(problem, type_base=settings.problem_type_base, request_id=logs.request_id.get())
    return JSONResponse(body, problem.status, problem.headers, CONTENT_TYPE)


def _pointer(location: tuple[int | str, ...]) -> str:
    where, *rest = location
    escaped = [str(part).replace("~", "~0").replace("/", "~1") for part in rest]
    return "/" + "/".join(escaped) if where == "body" and rest else "#" + "/".join([str(where), *escaped])


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _problem_response(request, error)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if any(item["type"] == "json_invalid" for item in error.errors()):
        return _problem_response(request, MalformedJson())
    fields = [FieldError(_pointer(item["loc"]), item["msg"].removeprefix("Value error, ")) for item in error.errors()]
    return _problem_response(request, InvalidRequest(errors=fields))


async def _on_lone_surrogate(request: Request, error: Exception) -> Response:
    """JSON can escape half a surrogate pair (``"\\ud800"``), which is no text and cannot be hashed, stored or sent.
    Nothing but a request brings one in, so it is the request that is wrong, wherever that is noticed."""
    return _problem_response(request, InvalidRequest("The text contains half a surrogate pair."))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 304:
            return Response(status_code=304, headers=error.headers)
        case 404:
            problem: Problem = RouteNotFound()
        case 405:
            problem = MethodNotAllowed(headers=error.headers)
        case 400:
            problem = MalformedJson()  # what FastAPI raises for a body that is not even text
        case 413:
            problem = PayloadTooLarge()
        case _:
            problem = BadRequest(str(error.detail))
    return _problem_response(request, problem)


def _ops_router(readiness: Readiness, alive: Callable[[], bool]) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        """Whether the process itself works; touches no dependency."""
        return PlainTextResponse("ok") if alive() else PlainTextResponse("stuck", 503)

    @router.get("/readyz")
    async def readyz() -> Response:
        """Whether it can serve: every dependency answers."""
        failures = await readiness.failures()
        return JSONResponse({"ready": not failures, "failures": failures}, 503 if failures else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        return render()

    return router


class _ServiceApp(FastAPI):
    """Keeps the request's frame outermost, so that what later middleware answers or raises has its id, its log line
    and its problem document too."""

    def build_middleware_stack(self) -> ASGIApp:
        settings: ServiceSettings = self.state.settings
        frame = Middleware(RequestContextMiddleware, problem_type_base=settings.problem_type_base)
        self.user_middleware.insert(0, frame)
        return super().build_middleware_stack()

    def openapi(self) -> dict[str, Any]:
        """FastAPI documents every answer as application/json, and invalid requests in its own form."""
        if self.openapi_schema is None:
            self.openapi_schema = _with_problems(super().openapi())
        return self.openapi_schema


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document.get("components", {}).get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for path in document.get("paths", {}).values():
        for operation in path.values():
            answers = operation["responses"]
            if "HTTPValidationError" in str(answers.get("422")):  # nobody declared one: nothing to validate but a name
                del answers["422"]
            for answer in answers.values():
                content = answer.get("content", {})
                if CONTENT_TYPE in content:
                    content[CONTENT_TYPE] = content.pop("application/json", {}) | content[CONTENT_TYPE]
    return document


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
    """A service's app. The lifespan opens the service's state and puts it on `app.state`."""

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
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # RequestContextMiddleware has them
        exception_handlers={
            Problem: _on_problem,
            RequestValidationError: _on_invalid,
            HTTPException: _on_http,
            UnicodeEncodeError: _on_lone_surrogate,
        },
    )
    app.state.settings = settings
    app.include_router(_ops_router(readiness, alive))
    for router in routers:
        app.include_router(router)
    return app


def ops_app(
    title: str,
    settings: ServiceSettings,
    *,
    lifespan: Lifespan,
    readiness: Readiness,
    alive: Callable[[], bool],
) -> FastAPI:
    """The app of a consumer, which has no API of its own; its lifespan runs the consumer."""
    return create_service_app(title, settings, lifespan=lifespan, routers=(), readiness=readiness, alive=alive)


class _Server(uvicorn.Server):
    """Goes on serving for a while after the signal, when `on_exit` asks for that."""

    def __init__(self, config: uvicorn.Config, on_exit: Callable[[], float]) -> None:
        super().__init__(config)
        self._on_exit = on_exit

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        leave = partial(super().handle_exit, sig, frame)
        if self.should_exit or not self.started or (delay := self._on_exit()) <= 0:
            leave()
            return
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, delay, leave)


def run(
    app: FastAPI | Callable[..., Any],
    settings: ServiceSettings,
    *,
    headers: Mapping[str, str] | None = None,
    protocol: type[asyncio.Protocol] | Literal["httptools"] = "httptools",
    on_exit: Callable[[], float] = lambda: 0.0,
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes what is under way and closes the lifespan.

    `on_exit` is called at the signal; it gives the seconds for which connections are still accepted, so that load
    balancers may look away first.
    """
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,  # ours is in RequestContextMiddleware
        proxy_headers=False,  # uvicorn would believe anyone on this machine about the client's address
        server_header=False,
        headers=list((headers or {}).items()),
        timeout_graceful_shutdown=int(settings.shutdown_seconds),
        timeout_keep_alive=75,
        backlog=2048,
    )
    server = _Server(config, on_exit)
    server.run()
    if not server.started:
        sys.exit(3)  # as `uvicorn.run` does when the lifespan failed
