"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app
from photomesh_webhook.http.routes import deliveries, internal, webhooks
from photomesh_webhook.settings import Settings
from photomesh_webhook.wiring import open_deps

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh webhooks",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[webhooks.router, deliveries.router],
        internal=[internal.router],
        description="Endpoints of developers that events are sent to, and the log of what was sent.",
    )
