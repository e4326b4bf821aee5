"""Routes of e-mail addresses."""

from __future__ import annotations

from fastapi import Response

from photomesh_identity.errors import (
    AccountNotFound,
    CodeRequired,
    EmailTaken,
    LinkNotValid,
    PasswordsBusy,
    SessionEnded,
    TooManyAttempts,
    TooManyTries,
    WrongCode,
    WrongPassword,
)
from photomesh_identity.http.account_schemas import EmailChange, EmailProof, EmailState
from photomesh_identity.http.dependencies import NO_STORE, Dependencies, require_open_session
from photomesh_shared.auth import Viewer
from photomesh_shared.http import ApiRouter, Auth, Budget, RateClass

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.get(
    "/v1/me/email",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[AccountNotFound],
    summary="Get your e-mail address",
)
async def get_email(response: Response, viewer: Viewer, deps: Dependencies) -> EmailState:
    """With the address that takes its place when it is proved, if there is one."""
    response.headers.update(NO_STORE)
    return EmailState.of(await deps.addresses.get(viewer.account_id))


@router.put(
    "/v1/me/email",
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
    status_code=202,
    summary="Change your e-mail address",
)
async def change_email(body: EmailChange, response: Response, viewer: Viewer, deps: Dependencies) -> EmailState:
    """Mails a link to the new address, valid for a day; until it is opened, the old address stays, and gets a notice.
    The response does not tell whether another account has the address: that is mailed to it instead of a link."""
    await require_open_session(viewer, deps)
    response.headers.update(NO_STORE)
    return EmailState.of(await deps.addresses.change(viewer.account_id, body.email, body.password, body.code))


@router.post(
    "/v1/me/email/verification",
    auth=Auth.REQUIRED,
    rate=RateClass.AUTH,
    budget=Budget.RECORDS,
    problems=[AccountNotFound, TooManyTries],
    status_code=202,
    summary="Ask for another mail to prove your address",
)
async def mail_verification(response: Response, viewer: Viewer, deps: Dependencies) -> EmailState:
    """To the pending address, or to yours if it is not proved. The link of the mail before no longer works."""
    response.headers.update(NO_STORE)
    return EmailState.of(await deps.addresses.mail_again(viewer.account_id))


@router.post(
    "/v1/email-verifications/redeem",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.LOGINS,
    problems=[LinkNotValid, EmailTaken],
    status_code=204,
    summary="Prove an e-mail address by the token of a mail",
)
async def verify_email(body: EmailProof, deps: Dependencies) -> None:
    """The address becomes that of the account which asked for the mail, and of no other: accounts that stated it
    without a proof keep working by their usernames."""
    await deps.addresses.prove(body.token)
