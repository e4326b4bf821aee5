"""Routes of sessions, and the public keys of their access tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_identity.errors import (
    InvalidRefreshToken,
    PasswordsBusy,
    RefreshTokenReused,
    SecondFactorRequired,
    SessionEnded,
    SessionNotFound,
    TooManyAttempts,
    TooManyRefreshes,
    WrongCredentials,
)
from photomesh_identity.http.dependencies import NO_STORE, Dependencies, OpenSession, RequestClient, session_of
from photomesh_identity.http.schemas import AccountSession, JsonWebKeySet, SessionCreate, SessionRefresh, TokenPair
from photomesh_identity.http.session_schemas import AccountSessions, SessionId
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, RateClass

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.post(
    "/v1/sessions",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    problems=[WrongCredentials, SecondFactorRequired, PasswordsBusy, TooManyAttempts],
    status_code=201,
    summary="Log in",
)
async def log_in(body: SessionCreate, response: Response, client: RequestClient, deps: Dependencies) -> AccountSession:
    """By username or e-mail address. The response does not reveal which of login and password is wrong. If the
    account has a second factor, the problem `second-factor-required` has a ticket for the next step. A log-in from a
    new device or network is announced to the account's e-mail address. An account has 50 sessions at most; one more
    ends the one that was used the longest time ago."""
    account, grant = await deps.sessions.log_in(body.login, body.password, client)
    response.headers.update(NO_STORE | {"Location": "/v1/sessions/current"})
    return AccountSession.of_account(account, grant, deps.cdn_url)


@router.post(
    "/v1/sessions/refresh",
    auth=Auth.NONE,
    rate=RateClass.REFRESH,
    problems=[InvalidRefreshToken, SessionEnded, RefreshTokenReused, TooManyRefreshes],
    summary="Refresh tokens",
)
async def refresh_tokens(
    body: SessionRefresh, response: Response, client: RequestClient, deps: Dependencies
) -> TokenPair:
    """A refresh token is valid for one use. If the response is lost, a repeat within a few seconds returns the same new
    refresh token. A later reuse ends the session, since the token may have been stolen."""
    grant = await deps.sessions.refresh(body.refresh_token, client)
    response.headers.update(NO_STORE)
    return TokenPair.of(grant)


@router.delete("/v1/sessions/current", auth=Auth.REQUIRED, rate=RateClass.WRITE, status_code=204, summary="Log out")
async def log_out(viewer: Viewer, deps: Dependencies) -> None:
    """Ends the session of the access token: its refresh tokens stop working at once, its access tokens when they
    expire."""
    await deps.sessions.log_out(session_of(viewer))


@router.get(
    "/v1/me/sessions",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    scope=None,
    problems=[SessionEnded],
    summary="List your sessions",
)
async def list_sessions(response: Response, viewer: OpenSession, deps: Dependencies) -> AccountSessions:
    """Your log-ins that have not ended; the one that was used last comes first. `network` is erased 30 days after
    the last use."""
    response.headers["Cache-Control"] = PRIVATE
    return AccountSessions.of(await deps.sessions.list_sessions(viewer.account_id), session_of(viewer))


@router.delete(
    "/v1/me/sessions/{session_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[SessionEnded, SessionNotFound],
    status_code=204,
    summary="End a session",
)
async def end_session(session_id: SessionId, viewer: OpenSession, deps: Dependencies) -> None:
    """Logs out one device. Its refresh tokens stop working at once, its access tokens when they expire; whatever
    concerns credentials and sessions refuses them at once."""
    await deps.sessions.end_session(viewer.account_id, session_id)


@router.delete(
    "/v1/me/sessions",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[SessionEnded],
    status_code=204,
    summary="Log out everywhere",
)
async def end_all_sessions(
    viewer: OpenSession,
    deps: Dependencies,
    keep_current: Annotated[bool, Query(description="Whether the session of this request goes on.")] = False,
) -> None:
    """As `DELETE /v1/me/sessions/{session_id}`, for all of your sessions."""
    await deps.sessions.end_all_sessions(viewer.account_id, keep=session_of(viewer) if keep_current else None)


@router.get(
    "/.well-known/jwks.json", auth=Auth.NONE, rate=RateClass.READ, summary="Get the keys that verify access tokens"
)
async def get_jwks(response: Response, deps: Dependencies) -> JsonWebKeySet:
    """May be cached: a new key is listed before it signs, and an old one until its last token has expired."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return JsonWebKeySet.model_validate(await deps.keys.jwks())
