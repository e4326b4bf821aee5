"""Routes: parse, one call, serialize."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_search.errors import SearchUnavailable
from photomesh_search.http.dependencies import Dependencies, Text
from photomesh_search.http.schemas import (
    AccountHit,
    AccountHits,
    HashtagHit,
    HashtagHits,
    PlaceHit,
    PlaceHits,
    PostHit,
)
from photomesh_search.searching.domain import Near
from photomesh_search.texts.domain import fold
from photomesh_shared.auth import Viewer
from photomesh_shared.errors import FieldError, InvalidRequest
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Page, Paging, RateClass
from photomesh_shared.http.paging import Limit

__all__ = ["router"]

router = ApiRouter(prefix="/v1/search", tags=["search"])


@router.get(
    "/suggest",
    auth=Auth.REQUIRED,
    rate=RateClass.SEARCH,
    problems=[SearchUnavailable],
    summary="Suggest accounts while somebody types",
)
async def suggest(viewer: Viewer, deps: Dependencies, response: Response, q: Text, limit: Limit = 10) -> AccountHits:
    """Returns accounts whose username or name has words that begin with those of `q`: the one with exactly this
    username, then accounts that you follow, then those whom these follow, then those with the most followers. Minors,
    and who does not want to be found, are not. While the index is away, the account with exactly this username is."""
    found = await deps.searches.accounts(viewer.account_id, q, after=None, limit=limit)
    response.headers["Cache-Control"] = PRIVATE
    return AccountHits(items=[AccountHit.found(one) for one in found.items])


@router.get(
    "/accounts",
    auth=Auth.REQUIRED,
    rate=RateClass.SEARCH,
    paged=True,
    problems=[SearchUnavailable],
    summary="Search accounts",
)
async def search_accounts(viewer: Viewer, deps: Dependencies, paging: Paging, q: Text) -> Page[AccountHit]:
    """Like the suggestions, page by page. Accounts that block you, and deactivated ones, are not found, nor are those
    that you block, except by their exact username."""
    kind = f"search-accounts:{viewer.account_id}:{fold(q)}"
    found = await deps.searches.accounts(viewer.account_id, q, after=paging.position(kind), limit=paging.limit)
    return paging.page(kind, [AccountHit.found(one) for one in found.items], found.after)


@router.get(
    "/posts",
    auth=Auth.REQUIRED,
    rate=RateClass.SEARCH,
    paged=True,
    problems=[SearchUnavailable],
    summary="Search posts",
)
async def search_posts(viewer: Viewer, deps: Dependencies, paging: Paging, q: Text) -> Page[PostHit]:
    """Returns posts of public accounts whose caption, alt texts or place have all words of `q`, the newest first. A
    `#hashtag` must be one of the post. `from:username`, `before:2026-11-21`, `after:2026-11-21`, and `has:` with `alt`,
    `hashtags`, `place` or `several` (photos) restrict it further. Posts of accounts that you mute are left out."""
    kind = f"search-posts:{viewer.account_id}:{fold(q)}"
    found = await deps.searches.posts(viewer.account_id, q, after=paging.position(kind), limit=paging.limit)
    return paging.page(kind, [PostHit.of(one) for one in found.items], found.after)


@router.get(
    "/hashtags",
    auth=Auth.REQUIRED,
    rate=RateClass.SEARCH,
    problems=[SearchUnavailable],
    summary="Search hashtags",
)
async def search_hashtags(
    viewer: Viewer, deps: Dependencies, response: Response, q: Text, limit: Limit = 10
) -> HashtagHits:
    """Returns hashtags of public posts that begin with `q`: exactly this one first, then those that the most accounts
    use."""
    found = await deps.searches.hashtags(q, limit=limit)
    response.headers["Cache-Control"] = PRIVATE
    return HashtagHits(items=[HashtagHit.of(one) for one in found])


@router.get(
    "/places",
    auth=Auth.REQUIRED,
    rate=RateClass.SEARCH,
    problems=[SearchUnavailable],
    summary="Search places",
)
async def search_places(
    viewer: Viewer,
    deps: Dependencies,
    response: Response,
    q: Annotated[str, Query(max_length=200, description="What to look for; may be left out with a position.")] = "",
    latitude: Annotated[float | None, Query(ge=-90, le=90, description="Where you are. Rounded, and not kept.")] = None,
    longitude: Annotated[float | None, Query(ge=-180, le=180)] = None,
    within: Annotated[int, Query(ge=1, le=200, description="Kilometres around your position.")] = 25,
    limit: Limit = 10,
) -> PlaceHits:
    """Returns places of public posts with words that begin with those of `q`, around your position if you give one, by
    how many accounts have posts there."""
    if (latitude is None) != (longitude is None):
        raise InvalidRequest(
            errors=[FieldError("/longitude" if longitude is None else "/latitude", "is missing", "query")]
        )
    near = Near.rounded(latitude, longitude, within) if latitude is not None and longitude is not None else None
    found = await deps.searches.places(q, near, limit=limit)
    response.headers["Cache-Control"] = PRIVATE
    return PlaceHits(items=[PlaceHit.of(one) for one in found])
