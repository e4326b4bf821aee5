"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_identity import api
from photomesh_identity.settings import Settings
from photomesh_identity.wiring import open_deps
from photomesh_shared.apps import create_api_app
from photomesh_shared.clock import Clock, SystemClock

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh identity",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        router=api.router,
        idempotent_paths={"/v1/accounts"},
        description="Accounts, sessions and profiles.",
    )
