"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app
from photomesh_social_graph.http.routes import internal, lists, relationships
from photomesh_social_graph.settings import Settings
from photomesh_social_graph.wiring import open_deps

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here.

    No route takes an `Idempotency-Key`: every operation is idempotent.
    """
    settings = settings or Settings()
    return create_api_app(
        "Photomesh social graph",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[relationships.router, lists.router],
        internal=[internal.router],
        description="Follows, follow requests, blocks and mutes.",
    )
