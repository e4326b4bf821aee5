"""Routes: parse, one call, serialize."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_feed.domain.pages import Mode
from photomesh_feed.errors import FeedsBusy, FeedsUnavailable, RankingExpired, SourceUnavailable
from photomesh_feed.http import positions, serialization
from photomesh_feed.http.dependencies import Dependencies
from photomesh_feed.http.schemas import FEED_REQUEST_ID, FeedPost, Impressions
from photomesh_shared.auth import Viewer
from photomesh_shared.errors import EventLogUnavailable
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, Page, Paging, RateClass

__all__ = ["router"]

router = ApiRouter(tags=["feed"])


@router.get(
    "/v1/feed",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,
    paged=True,
    problems=[RankingExpired, FeedsUnavailable, SourceUnavailable, FeedsBusy],
    summary="Read your home feed",
    response_model=Page[FeedPost],
    responses={200: {"headers": FEED_REQUEST_ID}},
)
async def get_feed(
    viewer: Viewer,
    deps: Dependencies,
    paging: Paging,
    mode: Annotated[Mode, Query(description="`chronological`: newest first. `ranked`: most relevant first.")] = (
        "chronological"
    ),
) -> Response:
    """Returns posts of the accounts that you follow and do not mute; not your own. Pages neither repeat nor skip while
    posts come and go, and continue as long as there are posts: only a `next_cursor` of null is the end.

    A ranked feed has at most three posts of an author on a page. It is ordered when its first page is read, and its
    cursors are valid for ten minutes (then 410 `ranking-expired`); after the 200 newest posts it continues
    chronologically. Its pages carry a `Feed-Request-Id`, which impressions quote. `If-None-Match` is answered with
    304.

    Up to one post in ten of a ranked feed is suggested: of an account that you do not follow, with a `suggestion` that
    says why. `PUT /v1/explore/home` snoozes these or switches them off. A chronological feed has none."""
    kind = positions.cursor_kind(mode, viewer.account_id)
    page = await deps.feed.page(viewer.account_id, mode, positions.from_values(paging.position(kind)), paging.limit)
    next_cursor = paging.next_cursor(kind, positions.to_values(page.next))
    body = serialization.page_json(page.rows, next_cursor, page.suggestions)
    response = Response(body, media_type="application/json", headers={"Cache-Control": PRIVATE})
    paging.set_link(response, next_cursor)
    if page.request_id is not None:
        response.headers["Feed-Request-Id"] = page.request_id
    return response


@router.post(
    "/v1/feed/impressions",
    auth=Auth.REQUIRED,
    rate=RateClass.READ,  # several a minute while scrolling: they take nothing from the limit of writes
    budget=Budget.IMPRESSIONS,
    max_body=40 * 1024,
    problems=[EventLogUnavailable],
    summary="Record impressions",
    status_code=202,
    response_class=Response,
)
async def record_impressions(body: Impressions, viewer: Viewer, deps: Dependencies) -> None:
    """Records which posts you saw, in the topic `impressions`. It changes nothing that you see. Posts are accepted
    whether they exist or not. A repetition counts twice.

    Of a ranked feed, send the `Feed-Request-Id` of the page as `request_id`, and how long a post was on the screen as
    `dwell_ms`: models of the ranking learn from what was served to you and seen."""
    await deps.impressions.record(viewer.account_id, [one.impression() for one in body.items])
