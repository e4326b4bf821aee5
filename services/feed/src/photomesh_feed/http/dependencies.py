"""What the routes use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from photomesh_feed.reading.impressions import ImpressionLog
from photomesh_feed.reading.service import FeedService
from photomesh_shared.auth import TokenVerifier
from photomesh_shared.http import app_deps
from photomesh_shared.http.cursors import CursorCodec

__all__ = ["Dependencies", "Deps"]


@dataclass(frozen=True)
class Deps:
    feed: FeedService
    impressions: ImpressionLog
    cursors: CursorCodec
    token_verifier: TokenVerifier


Dependencies = Annotated[Deps, Depends(app_deps)]
