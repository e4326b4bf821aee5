"""The account behind a request, as dependencies of routes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from photomesh_shared.errors import MissingToken
from photomesh_shared.tokens.access import Principal, TokenVerifier, principal_from_header
from photomesh_shared.tokens.errors import InsufficientScope, RoleRequired, SessionRequired
from photomesh_shared.tokens.roles import has_role

__all__ = [
    "MaybeViewer",
    "Principal",
    "Staff",
    "Viewer",
    "optional_principal",
    "required_principal",
    "staff_principal",
]

_bearer = HTTPBearer(auto_error=False, scheme_name="accessToken", bearerFormat="JWT")
_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def optional_principal(request: Request, _: _Bearer) -> Principal | None:
    verifier: TokenVerifier = request.app.state.token_verifier
    principal = await principal_from_header(verifier, request.headers.get("authorization"))
    if principal is not None:
        request.state.account_id = principal.account_id
        if principal.scopes is not None:
            _require_scope(principal.scopes, request)
    return principal


def _require_scope(scopes: frozenset[str], request: Request) -> None:
    """Raise InsufficientScope, or SessionRequired if no scope permits the route: one whose policy names none."""
    needed: str | None = getattr(request.scope.get("route"), "needed_scope", None)
    if needed is None:
        raise SessionRequired
    if needed not in scopes:
        raise InsufficientScope(f"The token lacks the scope {needed}.", required_scope=needed)


MaybeViewer = Annotated[Principal | None, Depends(optional_principal)]


async def required_principal(request: Request, bearer: _Bearer) -> Principal:
    # A call instead of a dependency: each link of a dependency chain costs as much as this function does.
    principal = await optional_principal(request, bearer)
    if principal is None:
        raise MissingToken
    return principal


Viewer = Annotated[Principal, Depends(required_principal)]


async def staff_principal(request: Request, bearer: _Bearer) -> Principal:
    principal = await required_principal(request, bearer)
    needed: str | None = getattr(request.scope.get("route"), "needed_role", None)
    if needed is None or not has_role(principal.roles, needed):
        raise RoleRequired(required_role=needed or "")
    return principal


Staff = Annotated[Principal, Depends(staff_principal)]
"""A caller whose token has the role that the route declares."""
