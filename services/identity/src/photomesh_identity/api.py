"""Routes: parse, one call, schema."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from photomesh_identity import errors
from photomesh_identity.domain import Account
from photomesh_identity.schemas import (
    Credentials,
    JsonWebKeySet,
    LoggedIn,
    Me,
    Profile,
    ProfileChange,
    Refresh,
    Registration,
    TokenPair,
)
from photomesh_identity.wiring import Deps
from photomesh_shared.auth import MaybeViewer, Principal, Viewer
from photomesh_shared.conditional import content_tag, offer, require_match, version_tag
from photomesh_shared.errors import (
    ExpiredToken,
    IdempotencyKeyInUse,
    IdempotencyKeyReused,
    InvalidRequest,
    InvalidToken,
    MalformedJson,
    MissingToken,
    PreconditionFailed,
    Unavailable,
)
from photomesh_shared.http import problems
from photomesh_shared.ids import UserId, encode

__all__ = ["router"]

router = APIRouter()

_BODY = (MalformedJson, InvalidRequest)
_TOKEN = (MissingToken, InvalidToken, ExpiredToken)
_SHOWN = (InvalidToken, ExpiredToken, errors.AccountNotFound, errors.RelationsUnavailable, Unavailable)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "You have it already."}}
_OWN = "private, no-cache"
_PUBLIC = "no-cache"
_SECRET = {"Cache-Control": "no-store"}
_KEYS = {"Cache-Control": "public, max-age=300"}


async def _deps(request: Request) -> Deps:  # async, or it would take a turn in a thread for each request
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


@router.post(
    "/v1/accounts",
    status_code=201,
    tags=["accounts"],
    summary="Open an account",
    responses=problems(
        *_BODY,
        errors.UsernameTaken,
        errors.EmailTaken,
        IdempotencyKeyInUse,
        IdempotencyKeyReused,
        errors.PasswordsBusy,
        Unavailable,
    ),
)
async def register(body: Registration, response: Response, deps: Dependencies) -> LoggedIn:
    """Opens an account and logs it in. Takes an `Idempotency-Key`."""
    account, grant = await deps.accounts.register(body.username, body.email, body.password)
    response.headers.update(_SECRET | {"Location": f"/v1/users/{encode('u', account.id)}"})
    return LoggedIn.by(account, grant, deps.cdn_url)


@router.post(
    "/v1/sessions",
    status_code=201,
    tags=["accounts"],
    summary="Log in",
    responses=problems(*_BODY, errors.WrongCredentials, errors.PasswordsBusy, Unavailable),
)
async def log_in(body: Credentials, response: Response, deps: Dependencies) -> LoggedIn:
    """By username or e-mail address. The answer to a wrong login and to a wrong password is the same."""
    account, grant = await deps.sessions.log_in(body.login, body.password)
    response.headers.update(_SECRET)
    return LoggedIn.by(account, grant, deps.cdn_url)


@router.post(
    "/v1/sessions/refresh",
    tags=["accounts"],
    summary="Get the next pair of tokens",
    responses=problems(*_BODY, errors.InvalidRefreshToken, errors.SessionEnded, errors.RefreshTokenReused, Unavailable),
)
async def refresh(body: Refresh, response: Response, deps: Dependencies) -> TokenPair:
    """A refresh token is good for one use. If the answer was lost, repeat it within a few seconds and the same new
    refresh token comes again. A token that is used again after that ends its session, for it may have been stolen."""
    grant = await deps.sessions.refresh(body.refresh_token)
    response.headers.update(_SECRET)
    return TokenPair.of(grant)


@router.delete(
    "/v1/sessions/current",
    status_code=204,
    tags=["accounts"],
    summary="Log out",
    responses=problems(*_TOKEN, Unavailable),
)
async def log_out(viewer: Viewer, deps: Dependencies) -> None:
    """Ends the session that the access token belongs to: its refresh tokens stop working at once, and access tokens
    that are out run for their remaining minutes."""
    await deps.sessions.log_out(viewer.session_id)


@router.get(
    "/v1/me",
    tags=["accounts"],
    summary="Your own profile",
    responses=_NOT_MODIFIED | problems(*_TOKEN, errors.AccountNotFound, Unavailable),
)
async def get_me(request: Request, response: Response, viewer: Viewer, deps: Dependencies) -> Me:
    """With the e-mail address, which nobody else sees. Answers `If-None-Match` with 304."""
    account = await deps.accounts.get(viewer.account_id)
    offer(request, response, version_tag(account.version), cache_control=_OWN)
    return Me.of(account, deps.cdn_url)


@router.patch(
    "/v1/me",
    tags=["accounts"],
    summary="Change your profile",
    responses=problems(
        *_BODY,
        *_TOKEN,
        errors.AccountNotFound,
        errors.AvatarPhotoNotFound,
        errors.AvatarPhotoNotReady,
        errors.PhotosUnavailable,
        PreconditionFailed,
        Unavailable,
    ),
)
async def edit_me(request: Request, response: Response, body: ProfileChange, viewer: Viewer, deps: Dependencies) -> Me:
    """Only what you send changes. With `If-Match` it changes only if nobody has changed it since you read it. An
    avatar is copied from a photo of yours, so it stays when the photo is deleted."""

    def precondition(account: Account) -> None:
        require_match(request, version_tag(account.version))

    account = await deps.accounts.edit(
        viewer.account_id,
        body.edit(),
        authorization=request.headers["authorization"],
        precondition=precondition,
    )
    response.headers.update({"ETag": version_tag(account.version), "Cache-Control": _OWN})
    return Me.of(account, deps.cdn_url)


@router.get(
    "/v1/users/by-username/{username}",
    tags=["accounts"],
    summary="A profile, by username",
    responses=_NOT_MODIFIED | problems(*_SHOWN),
)
async def get_user_by_name(
    request: Request, response: Response, username: str, viewer: MaybeViewer, deps: Dependencies
) -> Profile:
    """As `GET /v1/users/{user_id}`. Upper and lower case make no difference."""
    profile = Profile.of(await deps.profiles.named(_account(viewer), username), deps.cdn_url)
    return _offered(request, response, profile, viewer)


@router.get(
    "/v1/users/{user_id}",
    tags=["accounts"],
    summary="A profile",
    responses=_NOT_MODIFIED | problems(InvalidRequest, *_SHOWN),
)
async def get_user(
    request: Request, response: Response, user_id: UserId, viewer: MaybeViewer, deps: Dependencies
) -> Profile:
    """What everybody may know of an account, and with a token how you stand to it. An account that blocks you is not
    there; one that you block is, with `blocking`. Answers `If-None-Match` with 304."""
    profile = Profile.of(await deps.profiles.get(_account(viewer), user_id), deps.cdn_url)
    return _offered(request, response, profile, viewer)


def _account(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None


def _offered(request: Request, response: Response, profile: Profile, viewer: Principal | None) -> Profile:
    """The profile, unless the client has it already: counts and relations are no part of the account's version."""
    offer(request, response, content_tag(profile), cache_control=_OWN if viewer else _PUBLIC, vary="Authorization")
    return profile


@router.get("/.well-known/jwks.json", tags=["accounts"], summary="The keys that verify access tokens")
async def jwks(response: Response, deps: Dependencies) -> JsonWebKeySet:
    """A new key is listed before it signs, and an old one until its last token has expired, so this may be cached."""
    response.headers.update(_KEYS)
    return JsonWebKeySet.model_validate(await deps.keys.jwks())
