"""What the routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from photomesh_explore.wiring import Deps
from photomesh_shared.http import app_deps

__all__ = ["Dependencies"]

Dependencies = Annotated[Deps, Depends(app_deps)]
