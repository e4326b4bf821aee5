"""What routes share."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from photomesh_identity.sessions.domain import Client, client_of
from photomesh_identity.wiring import Deps
from photomesh_shared.auth import Principal, Viewer
from photomesh_shared.http import app_deps
from photomesh_shared.tokens.errors import SessionRequired

__all__ = ["NO_STORE", "Dependencies", "OpenSession", "RequestClient", "require_open_session", "session_of"]

Dependencies = Annotated[Deps, Depends(app_deps)]

NO_STORE = {"Cache-Control": "no-store"}
"""Headers of responses that contain tokens."""


async def _request_client(request: Request) -> Client:
    # The gateway replaces what a client sends in this header; network policies let nobody else in.
    address = request.headers.get("x-forwarded-for") or (request.client.host if request.client else "")
    return client_of(request.headers.get("user-agent", ""), address)


RequestClient = Annotated[Client, Depends(_request_client)]
"""Where the request comes from."""


async def require_open_session(viewer: Principal, deps: Deps) -> None:
    """What `OpenSession` does, for routes with a body: these call it themselves, since a dependency would ask the
    database before a body of junk is refused. Raises SessionEnded."""
    await deps.sessions.require_open(session_of(viewer))


async def _open_session(viewer: Viewer, deps: Dependencies) -> Principal:
    await require_open_session(viewer, deps)
    return viewer


def session_of(principal: Principal) -> int:
    """Raises SessionRequired for a personal access token, which the policy of such routes refuses before."""
    if principal.session_id is None:
        raise SessionRequired
    return principal.session_id


OpenSession = Annotated[Principal, Depends(_open_session)]
"""The caller, whose session has not ended: for routes on which an access token of an ended session, good for some
minutes more, would do harm."""
