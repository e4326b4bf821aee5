"""Routes of profiles as others see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Request, Response

from photomesh_identity.credentials.domain import USERNAME_MAX
from photomesh_identity.errors import AccountNotFound, RelationsUnavailable
from photomesh_identity.http.dependencies import Dependencies
from photomesh_identity.http.schemas import Profile
from photomesh_shared.auth import MaybeViewer, Principal
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, RateClass
from photomesh_shared.http.conditional import content_tag, offer
from photomesh_shared.ids import UserId

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.get(
    "/v1/users/by-username/{username}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    conditional=True,
    problems=[AccountNotFound, RelationsUnavailable],
    summary="Get a profile by username",
)
async def get_user_by_username(
    request: Request,
    response: Response,
    username: Annotated[str, Path(max_length=4 * USERNAME_MAX)],
    viewer: MaybeViewer,
    deps: Dependencies,
) -> Profile:
    """Like `GET /v1/users/{user_id}`. The username is case-insensitive."""
    profile = Profile.of(await deps.profiles.get_by_username(_account_id(viewer), username), deps.cdn_url)
    return _offered(request, response, profile, viewer)


@router.get(
    "/v1/users/{user_id}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    conditional=True,
    problems=[AccountNotFound, RelationsUnavailable],
    summary="Get a profile",
)
async def get_user(
    request: Request, response: Response, user_id: UserId, viewer: MaybeViewer, deps: Dependencies
) -> Profile:
    """The public data of an account, and with a token your relationship to it. An account that blocks you does not
    exist for you; one that you block is shown, with `blocking`."""
    profile = Profile.of(await deps.profiles.get(_account_id(viewer), user_id), deps.cdn_url)
    return _offered(request, response, profile, viewer)


def _account_id(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None


def _offered(request: Request, response: Response, profile: Profile, viewer: Principal | None) -> Profile:
    """Sets the entity tag, of the whole content: counts and relationships are not part of the account's version."""
    cache_control = PRIVATE if viewer else "no-cache"
    offer(request, response, content_tag(profile), cache_control=cache_control, vary="Authorization")
    return profile
