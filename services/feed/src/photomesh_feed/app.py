"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_feed.http import internal, routes
from photomesh_feed.settings import Settings
from photomesh_feed.wiring import open_deps
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """Returns the app. Its lifespan opens everything; no I/O happens before."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh feed",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[routes.router],
        internal=[internal.router],
        description="Home feeds.",
    )
