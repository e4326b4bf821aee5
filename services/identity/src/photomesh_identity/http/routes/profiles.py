"""Routes of profiles as others see them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from photomesh_identity.credentials.domain import USERNAME_MAX
from photomesh_identity.errors import AccountNotFound, RelationsUnavailable
from photomesh_identity.http.dependencies import Dependencies
from photomesh_identity.http.schemas import Profile
from photomesh_shared.auth import MaybeViewer, Principal
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, RateClass
from photomesh_shared.ids import UserId

__all__ = ["router"]

router = ApiRouter(tags=["accounts"])


@router.get(
    "/v1/users/by-username/{username}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    problems=[AccountNotFound, RelationsUnavailable],
    summary="Get a profile by username",
)
async def get_user_by_username(
    response: Response,
    username: Annotated[str, Path(max_length=4 * USERNAME_MAX)],
    viewer: MaybeViewer,
    deps: Dependencies,
) -> Profile:
    """Like `GET /v1/users/{user_id}`. The username is case-insensitive."""
    response.headers.update(_cached(viewer))
    return Profile.of(await deps.profiles.get_by_username(_account_id(viewer), username), deps.cdn_url)


@router.get(
    "/v1/users/{user_id}",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    problems=[AccountNotFound, RelationsUnavailable],
    summary="Get a profile",
)
async def get_user(response: Response, user_id: UserId, viewer: MaybeViewer, deps: Dependencies) -> Profile:
    """The public data of an account, and with a token your relationship to it. An account that blocks you does not
    exist for you; one that you block is shown, with `blocking`."""
    response.headers.update(_cached(viewer))
    return Profile.of(await deps.profiles.get(_account_id(viewer), user_id), deps.cdn_url)


def _account_id(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None


def _cached(viewer: Principal | None) -> dict[str, str]:
    return {"Cache-Control": PRIVATE if viewer else "no-cache", "Vary": "Authorization"}
