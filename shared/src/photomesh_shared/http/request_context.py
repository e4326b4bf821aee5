"""Context of every request: id, trace, log line, metrics, and a 500 for uncaught errors.

Plain ASGI for low overhead. The gateway logs every request; here those have a line that were refused, failed, were slow
or belong to a recorded trace.
"""

from __future__ import annotations

import logging
import re
import secrets
from functools import lru_cache
from time import perf_counter

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Histogram
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from photomesh_shared.errors import CONTENT_TYPE, InternalError, problem_body
from photomesh_shared.observability import logs, tracing
from photomesh_shared.observability.metrics import HTTP_REQUESTS, HTTP_SECONDS

__all__ = ["RequestContextMiddleware", "new_request_id", "well_formed_request_id"]

log = logging.getLogger("photomesh.access")

_QUIET = {"/healthz", "/readyz", "/metrics"}
_SLOW_SECONDS = 1.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.:-]{8,64}")


def new_request_id() -> str:
    return f"req_{secrets.token_urlsafe(12)}"


def well_formed_request_id(value: str | None) -> str | None:
    """Return the caller's request id if it is well-formed, else None."""
    return value if value and _REQUEST_ID.fullmatch(value) else None


class RequestContextMiddleware:
    """Sets `Request-Id`, which links response, log, trace and events: taken from the gateway, or generated here."""

    def __init__(self, app: ASGIApp, *, problem_type_base: str) -> None:
        self._app = app
        self._type_base = problem_type_base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        request_id = well_formed_request_id(headers.get("request-id")) or new_request_id()
        logs.request_id.set(request_id)
        started, status, method = perf_counter(), 0, scope["method"]

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"request-id", request_id.encode())]
            await send(message)

        with tracing.extract(headers, method, kind=SpanKind.SERVER, attributes={"request.id": request_id}) as span:
            try:
                await self._app(scope, receive, send_with_id)
            except Exception:
                log.exception("unhandled error", extra={"path": scope["path"]})
                if status:  # the response has begun: only closing the connection can signal the error
                    raise
                body = problem_body(InternalError(), type_base=self._type_base, request_id=request_id)
                await JSONResponse(body, 500, media_type=CONTENT_TYPE)(scope, receive, send_with_id)
            finally:
                route, seconds = _route_template(scope), perf_counter() - started
                _answers(method, route, status).inc()
                _durations(method, route).observe(seconds)
                if status >= 500 or not status:
                    tracing.failed(f"{method} {route}", attributes={"http.response.status_code": status})
                if span.is_recording():
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.response.status_code", status)
                if span.is_recording() or not 100 <= status < 400 or seconds > _SLOW_SECONDS:
                    log.info(
                        "%s %s %s",
                        method,
                        scope["path"],
                        status,
                        extra={
                            "route": route,
                            "status": status,
                            "ms": round(seconds * 1000, 1),
                            "account_id": scope.get("state", {}).get("account_id"),
                        },
                    )


@lru_cache(maxsize=2048)
def _answers(method: str, route: str, status: int) -> Counter:
    return HTTP_REQUESTS.labels(method, route, status)


@lru_cache(maxsize=1024)
def _durations(method: str, route: str) -> Histogram:
    return HTTP_SECONDS.labels(method, route)


def _route_template(scope: Scope) -> str:
    """Return the route's template: `/v1/posts/{id}` rather than one label per post."""
    return getattr(scope.get("route"), "path", "unmatched")
