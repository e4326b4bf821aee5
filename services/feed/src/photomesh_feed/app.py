"""The HTTP app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_feed.http import routes
from photomesh_feed.settings import Settings
from photomesh_feed.wiring import open_deps
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import Readiness, create_service_app

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Returns the app. Its lifespan opens everything; no I/O happens before."""
    settings = settings or Settings()
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_deps(settings, readiness, clock or SystemClock()) as deps:
            app.state.deps = deps
            app.state.token_verifier = deps.token_verifier
            yield

    return create_service_app(
        "Photomesh feed",
        settings,
        lifespan=lifespan,
        routers=[routes.router],
        readiness=readiness,
        description="Home feeds.",
    )
