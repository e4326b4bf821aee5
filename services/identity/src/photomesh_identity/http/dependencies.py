"""What routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from photomesh_identity.wiring import Deps
from photomesh_shared.http import app_deps

__all__ = ["NO_STORE", "Dependencies"]

Dependencies = Annotated[Deps, Depends(app_deps)]

NO_STORE = {"Cache-Control": "no-store"}
"""Headers of responses that contain tokens."""
