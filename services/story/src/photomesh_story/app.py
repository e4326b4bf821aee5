"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app
from photomesh_story.http import internal, routes
from photomesh_story.settings import Settings
from photomesh_story.wiring import open_deps

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh story",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[routes.router],
        internal=[internal.router],
        description="Photos that can be seen for a day.",
    )
