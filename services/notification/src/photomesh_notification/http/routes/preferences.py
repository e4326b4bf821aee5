"""Routes of what an account wants to hear of."""

from __future__ import annotations

from fastapi import Response

from photomesh_notification.errors import NoPostOfYours, SightingsUnavailable, TooManyMutedPosts
from photomesh_notification.http.dependencies import Dependencies
from photomesh_notification.http.schemas.preferences import NewPreferences, NotificationPreferences
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, RateClass
from photomesh_shared.ids import PostId

__all__ = ["router"]

router = ApiRouter(tags=["notifications"])


@router.get(
    "/v1/notifications/preferences",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    summary="Read what you want to hear of",
)
async def get_preferences(viewer: Viewer, response: Response, deps: Dependencies) -> NotificationPreferences:
    """All kinds, also those whose preferences you never changed."""
    response.headers["Cache-Control"] = PRIVATE
    preferences, muted = await deps.preferences.preferences(viewer.account_id)
    return NotificationPreferences.of(preferences, muted)


@router.put(
    "/v1/notifications/preferences",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.RECORDS,
    summary="Change what you want to hear of",
)
async def put_preferences(
    body: NewPreferences, viewer: Viewer, response: Response, deps: Dependencies
) -> NotificationPreferences:
    """Replaces all of them. They apply at once, also to what is in your list already: it is hidden, and is there again
    when you change your mind."""
    response.headers["Cache-Control"] = PRIVATE
    await deps.preferences.replace(viewer.account_id, body.preferences())
    preferences, muted = await deps.preferences.preferences(viewer.account_id)
    return NotificationPreferences.of(preferences, muted)


@router.put(
    "/v1/notifications/muted-posts/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    status_code=204,
    problems=[NoPostOfYours, TooManyMutedPosts, SightingsUnavailable],
    summary="Mute the likes of a post",
)
async def mute_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """For a post of your own, and 200 of them. You still hear of comments. Safe to repeat."""
    await deps.preferences.mute_post(viewer.account_id, post_id)


@router.delete(
    "/v1/notifications/muted-posts/{post_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    status_code=204,
    summary="Hear of the likes of a post again",
)
async def unmute_post(post_id: PostId, viewer: Viewer, deps: Dependencies) -> None:
    """Also of a post that was deleted. Safe to repeat."""
    await deps.preferences.unmute_post(viewer.account_id, post_id)
