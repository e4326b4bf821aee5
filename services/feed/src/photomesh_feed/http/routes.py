"""Routes: parse, one call, bytes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from photomesh_feed.domain.pages import Row
from photomesh_feed.errors import FeedsBusy, RankingExpired, SourceUnavailable
from photomesh_feed.http import serialization as presenting
from photomesh_feed.http.schemas import Impressions, Mode, Post
from photomesh_feed.reading.ranked import Place
from photomesh_feed.store.connection import FeedsUnavailable
from photomesh_feed.wiring import Deps
from photomesh_shared.auth import Viewer
from photomesh_shared.conditional import offer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import (
    ExpiredToken,
    InvalidCursor,
    InvalidRequest,
    InvalidToken,
    MalformedJson,
    MissingToken,
    Unavailable,
)
from photomesh_shared.http import problems
from photomesh_shared.ids import encode
from photomesh_shared.kafka.failures import PublishFailed

__all__ = ["router"]

router = APIRouter()

_COMMON = (MissingToken, InvalidToken, ExpiredToken, InvalidRequest, Unavailable)
_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {304: {"description": "You have it already."}}
_CACHE = "private, no-cache"
_BEHIND, _IN_ORDER = "behind", "in-order"  # a post, or a place in a ranked order


async def _deps(request: Request) -> Deps:  # async: FastAPI takes what is not to a thread
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


@router.get(
    "/v1/feed",
    response_model=Page[Post],
    tags=["feed"],
    summary="Your home feed",
    responses=_NOT_MODIFIED
    | problems(*_COMMON, InvalidCursor, RankingExpired, FeedsUnavailable, SourceUnavailable, FeedsBusy),
)
async def get_feed(
    request: Request,
    viewer: Viewer,
    deps: Dependencies,
    mode: Annotated[Mode, Query(description="`chronological`: newest first. `ranked`: what is for you first.")] = (
        "chronological"
    ),
    limit: Annotated[int, Query(ge=1, le=50, description="Posts at most; a page may have fewer.")] = 20,
    cursor: Annotated[str | None, Query(max_length=300, description="`next_cursor` of the page before.")] = None,
) -> Response:
    """Posts by those whom you follow and have not muted; not your own. Pages neither repeat nor skip while posts come
    and go, and go on as long as there are posts: only a `next_cursor` of null is the end.

    A ranked feed shows at most three posts of an author on a page, is put in order when its first page is read, and its
    cursors are good for ten minutes (then 410 `ranking-expired`); behind the 200 newest posts it goes on
    chronologically. Answers `If-None-Match` with 304."""
    account = viewer.account_id
    kind = f"feed:{mode}:{encode('u', account)}"
    rows, values = await _page(deps, account, mode, limit, deps.cursors.decode(kind, cursor) if cursor else None)
    next_cursor = deps.cursors.encode(kind, values) if values else None
    body = presenting.page(rows, next_cursor)
    response = Response(body, media_type="application/json")
    offer(request, response, presenting.etag(body), cache_control=_CACHE)
    link_next(request, response, deps.public_url, next_cursor)
    return response


async def _page(
    deps: Deps, account: int, mode: Mode, limit: int, place: list[Any] | None
) -> tuple[list[Row], list[int | str] | None]:
    """The page, and what the next cursor says."""
    if mode == "ranked" and (place is None or place[0] == _IN_ORDER):
        page = await (
            deps.ranked.next(account, Place(*place[1:]), limit) if place else deps.ranked.first(account, limit)
        )
        if isinstance(page.next, Place):
            return list(page.rows), [_IN_ORDER, page.next.name, page.next.index, page.next.last]
        return list(page.rows), None if page.next is None else [_BEHIND, page.next]
    chronological = await deps.reading.chronological(account, place[1] if place else None, limit)
    after = chronological.after
    return list(chronological.rows), None if after is None else [_BEHIND, after]


@router.post(
    "/v1/feed/impressions",
    status_code=202,
    response_class=Response,
    tags=["feed"],
    summary="Say which posts were seen",
    responses=problems(*_COMMON, MalformedJson, PublishFailed),
)
async def record_impressions(body: Impressions, viewer: Viewer, deps: Dependencies) -> None:
    """They go to the topic `impressions`, and change nothing that you see. Every post is accepted, whether it exists or
    not. Repeating counts twice."""
    await deps.impressions.record(viewer.account_id, [one.fact() for one in body.items])
