"""What routes share: dependencies, and documented problems."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from photomesh_shared.auth import Principal
from photomesh_shared.errors import ExpiredToken, InvalidRequest, InvalidToken, MissingToken, Unavailable
from photomesh_social_graph import errors
from photomesh_social_graph.wiring import Deps

__all__ = ["CACHE_CONTROL", "CHANGE", "OWN", "READ", "Dependencies", "account_id_of"]

READ = (InvalidToken, ExpiredToken, InvalidRequest, Unavailable)
OWN = (MissingToken, *READ)
CHANGE = (*OWN, errors.AccountNotFound, errors.OwnAccount, errors.AccountNotReady)
CACHE_CONTROL = "private, no-cache"  # answers depend on the viewer


async def _deps(request: Request) -> Deps:  # async, since FastAPI runs plain functions in a thread
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


def account_id_of(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None
