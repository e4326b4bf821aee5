"""Routes of passwords."""

from __future__ import annotations

from photomesh_identity.errors import (
    AccountNotFound,
    CodeRequired,
    LinkNotValid,
    PasswordsBusy,
    SessionEnded,
    TooManyAttempts,
    TooManyTries,
    WrongCode,
    WrongPassword,
)
from photomesh_identity.http.account_schemas import LostPassword, PasswordChange, PasswordReset
from photomesh_identity.http.dependencies import Dependencies, require_open_session, session_of
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.put(
    "/v1/me/password",
    auth=Auth.REQUIRED,
    rate=RateClass.AUTH,
    budget=Budget.RECORDS,
    problems=[
        AccountNotFound,
        SessionEnded,
        WrongPassword,
        CodeRequired,
        WrongCode,
        TooManyTries,
        TooManyAttempts,
        PasswordsBusy,
    ],
    status_code=204,
    summary="Change your password",
)
async def change_password(body: PasswordChange, viewer: Viewer, deps: Dependencies) -> None:
    """Ends all other sessions and all personal access tokens, and mails you a notice. Several wrong passwords in a row
    are answered with a 429 for a while."""
    await require_open_session(viewer, deps)
    await deps.passwords.change(viewer.account_id, session_of(viewer), body.password, body.code, body.new_password)


@router.post(
    "/v1/password-resets",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    problems=[TooManyTries],
    status_code=204,
    summary="Ask for a new password by mail",
)
async def ask_for_password(body: LostPassword, deps: Dependencies) -> None:
    """Mails a link to the account's e-mail address, if there is such an account; the response does not tell. The link
    is valid for 45 minutes and for one use."""
    await deps.password_resets.ask(body.login)


@router.post(
    "/v1/password-resets/redeem",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    problems=[LinkNotValid, PasswordsBusy],
    status_code=204,
    summary="Set a new password by the token of a mail",
)
async def redeem_password_reset(body: PasswordReset, deps: Dependencies) -> None:
    """Ends all sessions and personal access tokens of the account. Log in with the new password afterwards."""
    await deps.password_resets.redeem(body.token, body.password)
