"""What the routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from photomesh_post.wiring import Deps
from photomesh_shared.auth import Principal
from photomesh_shared.http import app_deps

__all__ = ["Dependencies", "account_of"]

Dependencies = Annotated[Deps, Depends(app_deps)]


def account_of(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None
