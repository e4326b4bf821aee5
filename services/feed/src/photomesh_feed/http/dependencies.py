"""What the routes use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from photomesh_feed.reading.impressions import ImpressionLog
from photomesh_feed.reading.service import FeedService
from photomesh_shared.auth import TokenVerifier
from photomesh_shared.cursors import CursorCodec

__all__ = ["Dependencies", "Deps"]


@dataclass(frozen=True)
class Deps:
    feed: FeedService
    impressions: ImpressionLog
    cursors: CursorCodec
    token_verifier: TokenVerifier
    public_url: str


async def _deps(request: Request) -> Deps:  # async, because FastAPI runs other functions in a thread
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]
