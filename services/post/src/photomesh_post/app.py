"""The HTTP app."""

from __future__ import annotations

from fastapi import FastAPI

from photomesh_post.http.routes import comments, internal, likes, photos, posts, saves
from photomesh_post.settings import Settings
from photomesh_post.wiring import open_deps
from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.http import create_api_app

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    return create_api_app(
        "Photomesh post",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        routers=[photos.router, posts.router, likes.router, comments.router, saves.router],
        internal=[internal.router],
        description="Photos, the posts that show them, and their likes, comments and saves.",
    )
