"""What all routes of the service have in common."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from photomesh_post.wiring import Deps
from photomesh_shared.auth import Principal
from photomesh_shared.errors import ExpiredToken, InvalidRequest, InvalidToken, MissingToken, Unavailable

__all__ = ["CACHE", "READ", "WRITE", "Cursor", "Dependencies", "Limit", "account_of"]

READ = (InvalidToken, ExpiredToken, InvalidRequest, Unavailable)
WRITE = (MissingToken, *READ)
CACHE = "private, no-cache"  # what one may see, another may not

Limit = Annotated[int, Query(ge=1, le=50)]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of the page before.")]


async def _deps(request: Request) -> Deps:  # async, or it would take a turn in a thread for each request
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


def account_of(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None
