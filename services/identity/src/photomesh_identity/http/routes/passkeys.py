"""Routes of passkeys (WebAuthn)."""

from __future__ import annotations

from fastapi import Response

from photomesh_identity.errors import (
    AccountNotFound,
    CodeRequired,
    PasskeyNotFound,
    PasskeyRefused,
    PasskeyRegistered,
    PasswordsBusy,
    SessionEnded,
    TooManyAttempts,
    TooManyPasskeys,
    TooManyTries,
    WrongCode,
    WrongPassword,
)
from photomesh_identity.http.credential_schemas import (
    PasskeyCreate,
    PasskeyCreationOptions,
    PasskeyRequestOptions,
    Passkeys,
    PasskeySessionCreate,
    PasskeyUpdate,
    PasskeyView,
    PasswordConfirmation,
)
from photomesh_identity.http.dependencies import (
    NO_STORE,
    Dependencies,
    OpenSession,
    RequestClient,
    require_open_session,
)
from photomesh_identity.http.schemas import AccountSession
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, RateClass
from photomesh_shared.ids import PasskeyId

__all__ = ["router"]

router = ApiRouter(tags=["credentials"])

_MAX_BODY = 128 * 1024  # of a registration: an attestation has a few KB, and JSON may escape each character of it


@router.post(
    "/v1/sessions/passkey/options",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    summary="Begin a log-in with a passkey",
)
async def begin_passkey_log_in(response: Response, deps: Dependencies) -> PasskeyRequestOptions:
    """Options for the browser, for five minutes and one log-in. No username is needed: the passkey names its
    account."""
    response.headers.update(NO_STORE)
    return PasskeyRequestOptions(public_key=deps.passkeys.log_in_options())


@router.post(
    "/v1/sessions/passkey",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    max_body=64 * 1024,
    problems=[PasskeyRefused, AccountNotFound],
    status_code=201,
    summary="Log in with a passkey",
)
async def log_in_with_passkey(
    body: PasskeySessionCreate, response: Response, client: RequestClient, deps: Dependencies
) -> AccountSession:
    """Needs no password and no code: the authenticator has verified its user."""
    account_id = await deps.passkeys.authenticate(body.credential.model_dump())
    account = await deps.accounts.get(account_id)
    grant = await deps.sessions.open_session(account_id, client, second_factor=True)
    response.headers.update(NO_STORE | {"Location": "/v1/sessions/current"})
    return AccountSession.of_account(account, grant, deps.cdn_url)


@router.post(
    "/v1/me/passkeys/options",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[
        SessionEnded,
        WrongPassword,
        WrongCode,
        CodeRequired,
        TooManyTries,
        TooManyAttempts,
        PasswordsBusy,
        TooManyPasskeys,
    ],
    summary="Begin to add a passkey",
)
async def begin_passkey(
    body: PasswordConfirmation, response: Response, viewer: Viewer, deps: Dependencies
) -> PasskeyCreationOptions:
    """Options for the browser, for five minutes and one passkey."""
    await require_open_session(viewer, deps)
    await deps.confirmation.require(viewer.account_id, body.password, body.code)
    account = await deps.accounts.get(viewer.account_id)
    response.headers.update(NO_STORE)
    return PasskeyCreationOptions(public_key=await deps.passkeys.registration_options(account))


@router.post(
    "/v1/me/passkeys",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    max_body=_MAX_BODY,
    problems=[SessionEnded, PasskeyRefused, PasskeyRegistered, TooManyPasskeys],
    status_code=201,
    summary="Add a passkey",
)
async def add_passkey(body: PasskeyCreate, response: Response, viewer: Viewer, deps: Dependencies) -> PasskeyView:
    """The passkey is a log-in by itself. An account has 20 at most."""
    await require_open_session(viewer, deps)
    passkey = await deps.passkeys.register(viewer.account_id, body.credential.model_dump(), body.name)
    response.headers["Location"] = "/v1/me/passkeys"
    return PasskeyView.of(passkey)


@router.get(
    "/v1/me/passkeys",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[SessionEnded],
    summary="List your passkeys",
)
async def list_passkeys(response: Response, viewer: OpenSession, deps: Dependencies) -> Passkeys:
    """The newest comes first."""
    response.headers["Cache-Control"] = PRIVATE
    return Passkeys.of(await deps.passkeys.list_passkeys(viewer.account_id))


@router.patch(
    "/v1/me/passkeys/{passkey_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[SessionEnded, PasskeyNotFound],
    summary="Rename a passkey",
)
async def rename_passkey(passkey_id: PasskeyId, body: PasskeyUpdate, viewer: Viewer, deps: Dependencies) -> PasskeyView:
    """Names are for you to tell your passkeys apart."""
    await require_open_session(viewer, deps)
    return PasskeyView.of(await deps.passkeys.rename(viewer.account_id, passkey_id, body.name))


@router.delete(
    "/v1/me/passkeys/{passkey_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[SessionEnded, PasskeyNotFound],
    status_code=204,
    summary="Remove a passkey",
)
async def remove_passkey(passkey_id: PasskeyId, viewer: OpenSession, deps: Dependencies) -> None:
    """It cannot log in any more. Sessions that it began go on; `DELETE /v1/me/sessions` ends them."""
    await deps.passkeys.remove(viewer.account_id, passkey_id)
