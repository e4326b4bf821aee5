"""Routes of accounts: registration, and the caller's own profile."""

from __future__ import annotations

from fastapi import Request, Response

from photomesh_identity.accounts.domain import Account
from photomesh_identity.errors import (
    AccountNotFound,
    AgeKnown,
    AvatarPhotoForStory,
    AvatarPhotoNotFound,
    AvatarPhotoNotReady,
    PasswordsBusy,
    PhotosUnavailable,
    PrivacyPending,
    PrivateUntil16,
    SessionEnded,
    TooManyTries,
    TooYoung,
    UsernameTaken,
)
from photomesh_identity.http.account_schemas import AgeStatement, UsernameChange
from photomesh_identity.http.dependencies import NO_STORE, Dependencies, RequestClient, require_open_session
from photomesh_identity.http.schemas import AccountCreate, AccountSession, Me, ProfileUpdate
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Creation, RateClass
from photomesh_shared.http.conditional import offer, require_match, version_tag
from photomesh_shared.ids import encode
from photomesh_shared.tokens.scopes import Scope

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.post(
    "/v1/accounts",
    auth=Auth.NONE,
    rate=RateClass.AUTH,
    budget=Budget.REGISTRATIONS,
    idempotent=True,
    problems=[UsernameTaken, TooYoung, PasswordsBusy],
    status_code=201,
    summary="Register an account",
)
async def register_account(
    body: AccountCreate, response: Response, creation: Creation, client: RequestClient, deps: Dependencies
) -> AccountSession:
    """Registers an account, logs it in, and mails a link by which the e-mail address is proved. The response does not
    tell whether another account has the address: that is mailed to it instead of a link."""
    account, grant = await deps.registration.register_account(
        creation, body.username, body.email, body.password, client, body.birth_date
    )
    response.headers.update(NO_STORE | {"Location": f"/v1/users/{encode('u', account.id)}"})
    return AccountSession.of_account(account, grant, deps.cdn_url)


@router.get(
    "/v1/me",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[AccountNotFound],
    summary="Get your profile",
)
async def get_me(request: Request, response: Response, viewer: Viewer, deps: Dependencies) -> Me:
    """Includes your e-mail address, which only you can see."""
    account = await deps.accounts.get(viewer.account_id)
    offer(request, response, version_tag(account.version), cache_control=PRIVATE)
    return Me.of(account, deps.cdn_url)


@router.patch(
    "/v1/me",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    scope=Scope.ACCOUNTS_WRITE,
    conditional=True,
    problems=[
        AccountNotFound,
        AvatarPhotoForStory,
        AvatarPhotoNotFound,
        AvatarPhotoNotReady,
        PhotosUnavailable,
        PrivacyPending,
        PrivateUntil16,
    ],
    summary="Update your profile",
)
async def update_me(
    request: Request, response: Response, body: ProfileUpdate, viewer: Viewer, deps: Dependencies
) -> Me:
    """Members that are left out stay unchanged. With `If-Match`, the update fails if the profile has changed since you
    read it. An avatar is a copy of one of your photos, so it outlives the photo. With `private`, success means that
    nobody follows you without a request any more."""

    def precondition(account: Account) -> None:
        require_match(request, version_tag(account.version))

    account = await deps.accounts.update_profile(
        viewer.account_id,
        body.edit(),
        authorization=request.headers["authorization"],
        precondition=precondition,
    )
    response.headers.update({"ETag": version_tag(account.version), "Cache-Control": PRIVATE})
    return Me.of(account, deps.cdn_url)


@router.put(
    "/v1/me/username",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[AccountNotFound, SessionEnded, UsernameTaken, TooManyTries],
    summary="Change your username",
)
async def change_username(body: UsernameChange, response: Response, viewer: Viewer, deps: Dependencies) -> Me:
    """Up to three times in 30 days. For 30 days nobody but you can take the old name; your profile is no longer
    found by it."""
    await require_open_session(viewer, deps)
    account = await deps.accounts.change_username(viewer.account_id, body.username)
    response.headers["Cache-Control"] = PRIVATE
    return Me.of(account, deps.cdn_url)


@router.put(
    "/v1/me/birth-date",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    problems=[AccountNotFound, AgeKnown, TooYoung, PrivacyPending],
    summary="State your birth date",
)
async def state_birth_date(body: AgeStatement, response: Response, viewer: Viewer, deps: Dependencies) -> Me:
    """Only the range of your age is kept. The account of somebody under 18 becomes private; from 16 on it may be made
    public again. It is stated once, and again after a year by minors."""
    account = await deps.accounts.state_birth_date(viewer.account_id, body.birth_date)
    response.headers["Cache-Control"] = PRIVATE
    return Me.of(account, deps.cdn_url)
