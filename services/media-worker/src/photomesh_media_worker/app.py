"""The worker's HTTP side, which is for operators alone; its lifespan runs the consumer."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_media_worker.settings import Settings
from photomesh_media_worker.wiring import open_runner
from photomesh_shared.apps import create_consumer_app
from photomesh_shared.clock import Clock, SystemClock

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; nothing is opened before its lifespan begins."""
    settings = settings or Settings()
    return create_consumer_app(
        "Photomesh media worker", settings, lambda readiness: open_runner(settings, readiness, clock or SystemClock())
    )
