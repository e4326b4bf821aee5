"""Health of a process: readiness, liveness and metrics, as `/readyz`, `/healthz` and `/metrics`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from photomesh_shared.observability.metrics import render

__all__ = ["Check", "Readiness", "health_router"]

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


def health_router(readiness: Readiness, alive: Callable[[], bool]) -> APIRouter:
    """Create the operational routes; they are not in the OpenAPI document."""
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    async def healthz() -> Response:
        """Liveness: whether the process itself works; checks no dependency."""
        return PlainTextResponse("ok") if alive() else PlainTextResponse("stuck", 503)

    @router.get("/readyz")
    async def readyz() -> Response:
        """Readiness: whether every dependency responds."""
        failures = await readiness.failures()
        return JSONResponse({"ready": not failures, "failures": failures}, 503 if failures else 200)

    @router.get("/metrics")
    async def metrics() -> Response:
        return render()

    return router
