"""Health of a process: readiness, liveness and metrics, as `/readyz`, `/healthz` and `/metrics`.

Without FastAPI, whose import takes half a second and 30 MB: consumers, which have nothing else, start faster.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from photomesh_shared.observability import tracing
from photomesh_shared.observability.metrics import CONTENT_TYPE, render

__all__ = ["Check", "Readiness", "health_routes", "ops_app"]

Check = Callable[[], Awaitable[object]]
_CHECK_SECONDS = 2.0


class Readiness:
    """The required dependencies of a process, each with a check that raises if it is unreachable."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self.draining = False

    def add(self, name: str, check: Check) -> None:
        self._checks[name] = check

    async def failures(self) -> dict[str, str]:
        """Return the failed checks, by name; empty if ready."""
        if self.draining:
            return {"process": "draining"}

        async def run(name: str, check: Check) -> tuple[str, str] | None:
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    await check()
            except Exception as error:  # noqa: BLE001 — any error of a check means "not ready"
                return name, f"{type(error).__name__}: {error}"[:200]
            return None

        outcomes = await asyncio.gather(*(run(name, check) for name, check in self._checks.items()))
        return dict(outcome for outcome in outcomes if outcome)


def health_routes(readiness: Readiness, alive: Callable[[], bool]) -> list[Route]:
    """Create the operational routes; they are not in the OpenAPI document."""

    async def healthz(_: Request) -> Response:
        """Liveness: whether the process itself works; checks no dependency."""
        return PlainTextResponse("ok") if alive() else PlainTextResponse("stuck", 503)

    async def readyz(_: Request) -> Response:
        """Readiness: whether every dependency responds."""
        failures = await readiness.failures()
        return JSONResponse({"ready": not failures, "failures": failures}, 503 if failures else 200)

    async def metrics(_: Request) -> Response:
        return Response(render(), media_type=CONTENT_TYPE)

    return [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]


def ops_app(
    *,
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]],
    readiness: Readiness,
    alive: Callable[[], bool],
) -> Starlette:
    """Create the app of a consumer: /healthz, /readyz, /metrics. Its lifespan runs the consumer."""

    @asynccontextmanager
    async def draining(app: Starlette) -> AsyncIterator[None]:
        try:
            async with lifespan(app):
                yield
                readiness.draining = True
        finally:
            tracing.flush()

    return Starlette(routes=health_routes(readiness, alive), lifespan=draining)
