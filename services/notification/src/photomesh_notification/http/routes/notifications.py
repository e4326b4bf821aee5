"""Routes of the list of notifications, of how many are unread, and of the seen marker."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_notification.errors import SightingsUnavailable
from photomesh_notification.http.dependencies import Dependencies
from photomesh_notification.http.schemas.notifications import (
    Notification,
    NotificationPage,
    SeenMarker,
    SeenUntil,
    UnreadCount,
)
from photomesh_notification.inbox.domain import Filter
from photomesh_notification.positions import Position, moment_of
from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Paging, RateClass
from photomesh_shared.ids import encode

__all__ = ["router"]

router = ApiRouter(tags=["notifications"])


@router.get(
    "/v1/notifications",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[SightingsUnavailable],
    summary="List your notifications",
)
async def list_notifications(
    viewer: Viewer,
    deps: Dependencies,
    paging: Paging,
    only: Annotated[
        Filter,
        Query(
            description="`all`; `following`: what accounts did that you follow; `mentions`: mentions, and replies to "
            "your comments."
        ),
    ] = Filter.ALL,
) -> NotificationPage:
    """Newest first, 500 at most, for 90 days. Likes and follows of several accounts are one notification: "Grace and 15
    others like your post". What you may not see any more is left out: of accounts that left or are behind a block,
    posts and comments that were deleted. So is what you do not want to hear of. Pages neither repeat nor skip while
    notifications come; what changes after `as_of` is at the top of a new list."""
    kind = f"notifications:{only}:{encode('u', viewer.account_id)}"
    as_of, after = None, None
    if values := paging.position(kind):
        as_of, after = values[0], Position(values[1], values[2])
    page = await deps.inbox.page(viewer.account_id, only, paging.limit, after=after, as_of=as_of)
    position: list[int | str] | None = [page.as_of, *page.next] if page.next else None
    listed = paging.page(kind, [Notification.of(one) for one in page.items], position)
    return NotificationPage(items=listed.items, next_cursor=listed.next_cursor, as_of=moment_of(page.as_of))


@router.get(
    "/v1/notifications/unread",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    problems=[SightingsUnavailable],
    summary="Count your unread notifications",
)
async def count_unread(viewer: Viewer, response: Response, deps: Dependencies) -> UnreadCount:
    """Counts what the list would show as `new`, up to 99."""
    response.headers["Cache-Control"] = PRIVATE
    found = await deps.inbox.unread(viewer.account_id)
    return UnreadCount(count=found.count, more=found.more)


@router.put(
    "/v1/notifications/seen",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    summary="Mark your notifications as seen",
)
async def mark_seen(body: SeenUntil, viewer: Viewer, response: Response, deps: Dependencies) -> SeenMarker:
    """For all devices. The marker only moves forward: an earlier moment than the current one changes nothing. Returns
    where it is."""
    response.headers["Cache-Control"] = PRIVATE
    return SeenMarker(seen_at=await deps.seen.move(viewer.account_id, body.seen_at))
