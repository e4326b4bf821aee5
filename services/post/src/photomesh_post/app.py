"""The HTTP app."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from photomesh_post.http.routes import comments, internal, likes, posts, saves
from photomesh_post.settings import Settings
from photomesh_post.wiring import open_deps
from photomesh_shared.apps import create_api_app
from photomesh_shared.clock import Clock, SystemClock

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, clock: Clock | None = None) -> FastAPI:
    """The app; its lifespan opens everything. No I/O happens here."""
    settings = settings or Settings()
    router = APIRouter()
    for routes in (posts, likes, comments, saves, internal):
        router.include_router(routes.router)
    return create_api_app(
        "Photomesh post",
        settings,
        lambda readiness: open_deps(settings, readiness, clock or SystemClock()),
        router=router,
        idempotent_paths={"/v1/posts", "/v1/posts/{post_id}/comments", "/v1/me/collections"},
        description="Photos after their upload, and the posts that show them.",
    )
