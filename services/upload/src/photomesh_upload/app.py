"""The HTTP app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import Readiness, create_service_app
from photomesh_shared.idempotency import IdempotencyMiddleware
from photomesh_upload import api
from photomesh_upload.settings import Settings
from photomesh_upload.wiring import open_deps

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_deps(settings, readiness, clock or SystemClock()) as deps:
            app.state.deps = deps
            app.state.token_verifier = deps.token_verifier
            app.state.idempotency = deps.idempotency
            yield

    app = create_service_app(
        "Photomesh upload",
        settings,
        lifespan=lifespan,
        routers=[api.router],
        readiness=readiness,
        description="Photos on their way in: presigned uploads, whole or in parts, that can be resumed.",
    )
    app.add_middleware(IdempotencyMiddleware, paths={"/v1/uploads/init"}, problem_type_base=settings.problem_type_base)
    return app
