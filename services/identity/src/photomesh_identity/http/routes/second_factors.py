"""Routes of second factors: codes of an authenticator app, and recovery codes."""

from __future__ import annotations

from fastapi import Response

from photomesh_identity.errors import (
    AccountNotFound,
    CodeRequired,
    InvalidTicket,
    PasswordsBusy,
    SessionEnded,
    TooManyAttempts,
    TooManyTries,
    TotpEnabled,
    TotpNotEnabled,
    WrongCode,
    WrongCredentials,
    WrongPassword,
)
from photomesh_identity.http.credential_schemas import (
    CodeConfirmation,
    PasswordConfirmation,
    RecoveryCodes,
    SecondFactorSessionCreate,
    SecondFactorsView,
    TotpEnrolment,
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

__all__ = ["router"]

router = ApiRouter(tags=["credentials"])

_CONFIRMED = [SessionEnded, WrongPassword, WrongCode, CodeRequired, TooManyTries, TooManyAttempts, PasswordsBusy]


@router.post(
    "/v1/sessions/second-factor",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    problems=[InvalidTicket, WrongCredentials, WrongCode, TooManyAttempts, AccountNotFound],
    status_code=201,
    summary="Log in with a second factor",
)
async def log_in_with_second_factor(
    body: SecondFactorSessionCreate, response: Response, client: RequestClient, deps: Dependencies
) -> AccountSession:
    """Completes a log-in that `POST /v1/sessions` refused with `second-factor-required`. A ticket is good for five
    minutes, and for one log-in; no code is accepted twice."""
    account_id, grant = await deps.sessions.complete_log_in(body.ticket, body.code, client)
    response.headers.update(NO_STORE | {"Location": "/v1/sessions/current"})
    return AccountSession.of_account(await deps.accounts.get(account_id), grant, deps.cdn_url)


@router.get(
    "/v1/me/second-factors",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[SessionEnded],
    summary="Get your second factors",
)
async def get_second_factors(response: Response, viewer: OpenSession, deps: Dependencies) -> SecondFactorsView:
    """Whether a log-in needs a code, how many recovery codes are left, and how many passkeys there are."""
    response.headers["Cache-Control"] = PRIVATE
    status = await deps.second_factors.status(viewer.account_id)
    passkeys = await deps.passkeys.list_passkeys(viewer.account_id)
    return SecondFactorsView(totp=status.totp, recovery_codes_left=status.recovery_codes_left, passkeys=len(passkeys))


@router.post(
    "/v1/me/totp",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[*_CONFIRMED, TotpEnabled],
    status_code=201,
    summary="Set up an authenticator app",
)
async def enrol_totp(
    body: PasswordConfirmation, response: Response, viewer: Viewer, deps: Dependencies
) -> TotpEnrolment:
    """Returns a secret for the app. It counts once `POST /v1/me/totp/confirm` has seen a code of it; until then, each
    call makes a new one."""
    await require_open_session(viewer, deps)
    await deps.confirmation.require(viewer.account_id, body.password, body.code)
    account = await deps.accounts.get(viewer.account_id)
    secret, uri = await deps.second_factors.enrol(account.id, account.username)
    response.headers.update(NO_STORE)
    return TotpEnrolment(secret=secret, uri=uri)


@router.post(
    "/v1/me/totp/confirm",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[SessionEnded, WrongCode, TooManyAttempts, TotpEnabled, TotpNotEnabled],
    summary="Confirm an authenticator app",
)
async def confirm_totp(body: CodeConfirmation, response: Response, viewer: Viewer, deps: Dependencies) -> RecoveryCodes:
    """From now on, a log-in by password needs a code. Returns the recovery codes, which are not shown again."""
    await require_open_session(viewer, deps)
    codes = await deps.second_factors.confirm(viewer.account_id, body.code)
    response.headers.update(NO_STORE)
    return RecoveryCodes(codes=codes)


@router.post(
    "/v1/me/totp/remove",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[*_CONFIRMED, TotpNotEnabled],
    status_code=204,
    summary="Remove the authenticator app",
)
async def remove_totp(body: PasswordConfirmation, viewer: Viewer, deps: Dependencies) -> None:
    """A log-in then needs the password alone. Takes the password and a code; a recovery code will do."""
    await require_open_session(viewer, deps)
    await deps.confirmation.require(viewer.account_id, body.password, body.code)
    await deps.second_factors.remove(viewer.account_id)


@router.post(
    "/v1/me/recovery-codes",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[*_CONFIRMED, TotpNotEnabled],
    status_code=201,
    summary="Replace your recovery codes",
)
async def replace_recovery_codes(
    body: PasswordConfirmation, response: Response, viewer: Viewer, deps: Dependencies
) -> RecoveryCodes:
    """Returns ten new ones; all earlier ones stop working."""
    await require_open_session(viewer, deps)
    await deps.confirmation.require(viewer.account_id, body.password, body.code)
    codes = await deps.second_factors.new_recovery_codes(viewer.account_id)
    response.headers.update(NO_STORE)
    return RecoveryCodes(codes=codes)
