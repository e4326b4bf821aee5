"""The HTTP app."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import Readiness, create_service_app
from photomesh_social_graph.http.routes import internal, lists, relationships
from photomesh_social_graph.settings import Settings
from photomesh_social_graph.wiring import open_deps

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here.

    No route takes an `Idempotency-Key`: every operation is idempotent.
    """
    settings = settings or Settings()
    readiness = Readiness()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_deps(settings, readiness, clock or SystemClock()) as deps:
            app.state.deps = deps
            app.state.token_verifier = deps.token_verifier
            yield

    return create_service_app(
        "Photomesh social graph",
        settings,
        lifespan=lifespan,
        routers=[relationships.router, lists.router, internal.router],
        readiness=readiness,
        description="Follows, follow requests, blocks and mutes.",
    )
