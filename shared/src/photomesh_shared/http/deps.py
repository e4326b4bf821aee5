"""A service's dependencies in its routes::

Dependencies = Annotated[Deps, Depends(app_deps)]
"""

from __future__ import annotations

from typing import Any

from fastapi import Request

__all__ = ["app_deps"]


async def app_deps(request: Request) -> Any:  # async, or it would take a turn in a thread for each request
    """What the lifespan opened (`create_api_app`): the service's `Deps`."""
    return request.app.state.deps
