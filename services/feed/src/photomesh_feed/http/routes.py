"""Routes: parse, one call, serialize."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from photomesh_feed.domain.pages import Mode
from photomesh_feed.errors import FeedsBusy, FeedsUnavailable, RankingExpired, SourceUnavailable
from photomesh_feed.http import positions, serialization
from photomesh_feed.http.dependencies import Dependencies
from photomesh_feed.http.schemas import Impressions, Post
from photomesh_shared.auth import Viewer
from photomesh_shared.conditional import offer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import (
    EventLogUnavailable,
    ExpiredToken,
    InvalidCursor,
    InvalidRequest,
    InvalidToken,
    MalformedJson,
    MissingToken,
    Unavailable,
)
from photomesh_shared.http import problems

__all__ = ["router"]

router = APIRouter()

_COMMON = (MissingToken, InvalidToken, ExpiredToken, InvalidRequest, Unavailable)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "You have this version already."}}
_CACHE = "private, no-cache"


@router.get(
    "/v1/feed",
    response_model=Page[Post],
    tags=["feed"],
    summary="Read your home feed",
    responses=_NOT_MODIFIED
    | problems(*_COMMON, InvalidCursor, RankingExpired, FeedsUnavailable, SourceUnavailable, FeedsBusy),
)
async def get_feed(
    request: Request,
    viewer: Viewer,
    deps: Dependencies,
    mode: Annotated[Mode, Query(description="`chronological`: newest first. `ranked`: most relevant first.")] = (
        "chronological"
    ),
    limit: Annotated[int, Query(ge=1, le=50, description="Maximum number of posts; a page may have fewer.")] = 20,
    cursor: Annotated[str | None, Query(max_length=300, description="`next_cursor` of the page before.")] = None,
) -> Response:
    """Returns posts of the accounts that you follow and do not mute; not your own. Pages neither repeat nor skip while
    posts come and go, and continue as long as there are posts: only a `next_cursor` of null is the end.

    A ranked feed has at most three posts of an author on a page. It is ordered when its first page is read, and its
    cursors are valid for ten minutes (then 410 `ranking-expired`); after the 200 newest posts it continues
    chronologically. `If-None-Match` is answered with 304."""
    kind = positions.cursor_kind(mode, viewer.account_id)
    position = positions.from_values(deps.cursors.decode(kind, cursor)) if cursor else None
    page = await deps.feed.page(viewer.account_id, mode, position, limit)
    next_cursor = deps.cursors.encode(kind, positions.to_values(page.next)) if page.next else None
    body = serialization.page_json(page.rows, next_cursor)
    response = Response(body, media_type="application/json")
    offer(request, response, serialization.etag(body), cache_control=_CACHE)
    link_next(request, response, deps.public_url, next_cursor)
    return response


@router.post(
    "/v1/feed/impressions",
    status_code=202,
    response_class=Response,
    tags=["feed"],
    summary="Record impressions",
    responses=problems(*_COMMON, MalformedJson, EventLogUnavailable),
)
async def record_impressions(body: Impressions, viewer: Viewer, deps: Dependencies) -> None:
    """Records which posts you saw, in the topic `impressions`. It changes nothing that you see. Posts are accepted
    whether they exist or not. A repetition counts twice."""
    await deps.impressions.record(viewer.account_id, [one.impression() for one in body.items])
