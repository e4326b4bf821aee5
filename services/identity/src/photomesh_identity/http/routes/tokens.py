"""Routes of personal access tokens."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Response

from photomesh_identity.errors import (
    CodeRequired,
    PasswordsBusy,
    SessionEnded,
    TokenNotFound,
    TooManyAttempts,
    TooManyTokens,
    TooManyTries,
    WrongCode,
    WrongPassword,
)
from photomesh_identity.http.dependencies import (
    NO_STORE,
    Dependencies,
    OpenSession,
    require_open_session,
    session_of,
)
from photomesh_identity.http.token_schemas import PersonalTokenCreate, PersonalTokens, TokenCreated
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, InternalRouter, RateClass
from photomesh_shared.ids import TokenId
from photomesh_shared.internal_api.identity import EXCHANGE_TOKEN, ExchangedToken, TokenExchange

__all__ = ["internal", "router"]

router = ApiRouter(tags=["credentials"])
internal = InternalRouter()


@router.post(
    "/v1/me/tokens",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[
        SessionEnded,
        WrongPassword,
        WrongCode,
        CodeRequired,
        TooManyTries,
        TooManyAttempts,
        PasswordsBusy,
        TooManyTokens,
    ],
    status_code=201,
    summary="Make a personal access token",
)
async def create_token(
    body: PersonalTokenCreate, response: Response, viewer: Viewer, deps: Dependencies
) -> TokenCreated:
    """For scripts: send it as `Authorization: Bearer pt_…`. It does what its scopes say, and never anything that
    concerns credentials. It is not shown again. It ends with its time, and when your password is changed or reset. An
    account has 50 at most."""
    await require_open_session(viewer, deps)
    await deps.confirmation.require(viewer.account_id, body.password, body.code)
    token, text = await deps.personal_tokens.create(
        viewer.account_id, session_of(viewer), body.name, body.scopes, timedelta(days=body.expires_in_days)
    )
    response.headers.update(NO_STORE | {"Location": "/v1/me/tokens"})
    return TokenCreated.of_token(token, text)


@router.get(
    "/v1/me/tokens",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[SessionEnded],
    summary="List your personal access tokens",
)
async def list_tokens(response: Response, viewer: OpenSession, deps: Dependencies) -> PersonalTokens:
    """Those that have not expired, the newest first."""
    response.headers["Cache-Control"] = PRIVATE
    return PersonalTokens.of(await deps.personal_tokens.list_tokens(viewer.account_id))


@router.delete(
    "/v1/me/tokens/{token_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[SessionEnded, TokenNotFound],
    status_code=204,
    summary="Revoke a personal access token",
)
async def revoke_token(token_id: TokenId, viewer: OpenSession, deps: Dependencies) -> None:
    """It stops working within a minute."""
    await deps.personal_tokens.revoke(viewer.account_id, token_id)


@internal.serves(EXCHANGE_TOKEN)
async def exchange_token(body: TokenExchange, deps: Dependencies) -> ExchangedToken:
    if (found := await deps.personal_tokens.exchange(body.token)) is None:
        return ExchangedToken(access_token=None, expires_in=0)
    access_token, lifetime = found
    return ExchangedToken(access_token=access_token, expires_in=int(lifetime.total_seconds()))
