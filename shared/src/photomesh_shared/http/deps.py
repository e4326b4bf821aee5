"""A service's dependencies in its routes::

Dependencies = Annotated[Deps, Depends(app_deps)]
"""

from __future__ import annotations

from typing import Any

from fastapi import Request

__all__ = ["app_deps"]


async def app_deps(request: Request) -> Any:  # async, because FastAPI runs sync ones in a thread
    """Return the service's `Deps`, opened by the lifespan (`create_api_app`)."""
    return request.app.state.deps
