"""What the routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query

from photomesh_search.wiring import Deps
from photomesh_shared.http import app_deps

__all__ = ["Dependencies", "Text"]

Dependencies = Annotated[Deps, Depends(app_deps)]
Text = Annotated[str, Query(min_length=1, max_length=200, description="What to look for.")]
