"""Routes of sessions, and the public keys of their access tokens."""

from __future__ import annotations

from fastapi import Response

from photomesh_identity.errors import (
    InvalidRefreshToken,
    PasswordsBusy,
    RefreshTokenReused,
    SessionEnded,
    WrongCredentials,
)
from photomesh_identity.http.dependencies import NO_STORE, Dependencies
from photomesh_identity.http.schemas import AccountSession, JsonWebKeySet, SessionCreate, SessionRefresh, TokenPair
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.post(
    "/v1/sessions",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    problems=[WrongCredentials, PasswordsBusy],
    status_code=201,
    summary="Log in",
)
async def log_in(body: SessionCreate, response: Response, deps: Dependencies) -> AccountSession:
    """By username or e-mail address. The response does not reveal which of login and password is wrong."""
    account, grant = await deps.sessions.log_in(body.login, body.password)
    response.headers.update(NO_STORE | {"Location": "/v1/sessions/current"})
    return AccountSession.of_account(account, grant, deps.cdn_url)


@router.post(
    "/v1/sessions/refresh",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    problems=[InvalidRefreshToken, SessionEnded, RefreshTokenReused],
    summary="Refresh tokens",
)
async def refresh_tokens(body: SessionRefresh, response: Response, deps: Dependencies) -> TokenPair:
    """A refresh token is valid for one use. If the response is lost, a repeat within a few seconds returns the same new
    refresh token. A later reuse ends the session, since the token may have been stolen."""
    grant = await deps.sessions.refresh(body.refresh_token)
    response.headers.update(NO_STORE)
    return TokenPair.of(grant)


@router.delete("/v1/sessions/current", auth=Auth.REQUIRED, rate=RateClass.WRITE, status_code=204, summary="Log out")
async def log_out(viewer: Viewer, deps: Dependencies) -> None:
    """Ends the session of the access token: its refresh tokens stop working at once, its access tokens when they
    expire."""
    await deps.sessions.log_out(viewer.session_id)


@router.get(
    "/.well-known/jwks.json", auth=Auth.NONE, rate=RateClass.READ, summary="Get the keys that verify access tokens"
)
async def get_jwks(response: Response, deps: Dependencies) -> JsonWebKeySet:
    """May be cached: a new key is listed before it signs, and an old one until its last token has expired."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return JsonWebKeySet.model_validate(await deps.keys.jwks())
