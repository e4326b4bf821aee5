"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_explore.http import internal, routes
from photomesh_explore.settings import Settings
from photomesh_explore.wiring import open_deps
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh explore",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[routes.router],
        internal=[internal.router],
        description="Posts, trends and people that an account does not know yet.",
    )
