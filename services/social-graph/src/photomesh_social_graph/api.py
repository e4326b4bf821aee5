"""Routes: parse, one call, schema. Those that only other services ask are in `internal`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from photomesh_shared.auth import MaybeViewer, Principal, Viewer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import (
    ExpiredToken,
    InvalidCursor,
    InvalidRequest,
    InvalidToken,
    MissingToken,
    Unavailable,
)
from photomesh_shared.http import problems
from photomesh_shared.ids import UserId, encode
from photomesh_social_graph import errors
from photomesh_social_graph.domain import Place
from photomesh_social_graph.listing import Listed
from photomesh_social_graph.schemas import ListedAccount, Relationship, Relationships
from photomesh_social_graph.service import Listing
from photomesh_social_graph.wiring import Deps

__all__ = ["router"]

router = APIRouter(tags=["people"])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_READ = (InvalidToken, ExpiredToken, InvalidRequest, Unavailable)
_OWN = (MissingToken, *_READ)
_CHANGE = (*_OWN, errors.AccountNotFound, errors.OwnAccount, errors.AccountNotReady)
_CACHE = "private, no-cache"  # what one may see, another may not

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=300, description="`next_cursor` of the page before.")]


async def _deps(request: Request) -> Deps:  # async, or it would take a turn in a thread for each request
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


@router.put(
    "/v1/users/{user_id}/follow",
    summary="Follow an account",
    responses=problems(*_CHANGE, errors.FollowingLimitReached),
)
async def follow(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Or ask to, if it is private: `requested` is then true until it approves or denies, or you withdraw. An account
    that hides from you does not exist."""
    return Relationship.of(user_id, await deps.graph.follow(viewer.account_id, user_id))


@router.delete("/v1/users/{user_id}/follow", summary="Stop following an account", responses=problems(*_CHANGE))
async def unfollow(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Or withdraw your request to. Its posts leave your feed."""
    return Relationship.of(user_id, await deps.graph.unfollow(viewer.account_id, user_id))


@router.put("/v1/users/{user_id}/block", summary="Block an account", responses=problems(*_CHANGE))
async def block(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Neither of you sees the other from now on, and follows and requests between you end. The other is not told: to
    them your account does not exist."""
    return Relationship.of(user_id, await deps.graph.block(viewer.account_id, user_id))


@router.delete("/v1/users/{user_id}/block", summary="Unblock an account", responses=problems(*_CHANGE))
async def unblock(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Follows that the block ended do not come back."""
    return Relationship.of(user_id, await deps.graph.unblock(viewer.account_id, user_id))


@router.put("/v1/users/{user_id}/mute", summary="Mute an account", responses=problems(*_CHANGE))
async def mute(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Its posts leave your feed, and nothing else changes. Nobody else learns of it."""
    return Relationship.of(user_id, await deps.graph.mute(viewer.account_id, user_id))


@router.delete("/v1/users/{user_id}/mute", summary="Unmute an account", responses=problems(*_CHANGE))
async def unmute(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Its posts come back to your feed, if you follow it."""
    return Relationship.of(user_id, await deps.graph.unmute(viewer.account_id, user_id))


@router.get(
    "/v1/users/{user_id}/followers", summary="Who follows an account", responses=problems(*_READ, InvalidCursor)
)
async def list_followers(
    request: Request,
    response: Response,
    user_id: UserId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ListedAccount]:
    """Those whom you follow come first, then the others, the newest of each first. A private account's are seen by its
    followers only, and those with whom you have a block are left out. The list of an account that is hidden, unknown,
    or has none is empty. Pages neither repeat nor skip while people come and go; one may have fewer than `limit`."""
    viewer_id = _account(viewer)
    kind = f"followers:{encode('u', user_id)}:{viewer_id}"
    after: Place | None = None
    begun = deps.lists.begin()
    if cursor:
        at, last_id, known, began = deps.cursors.decode(kind, cursor)
        after, begun = Place(_moment(at), last_id, known=bool(known)), _moment(began)
    listed = await deps.lists.followers(viewer_id, user_id, begun=begun, after=after, limit=limit)
    return _page(request, response, deps, listed, kind, _values(listed.next, begun))


@router.get(
    "/v1/users/{user_id}/following", summary="Whom an account follows", responses=problems(*_READ, InvalidCursor)
)
async def list_following(
    request: Request,
    response: Response,
    user_id: UserId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ListedAccount]:
    """The newest first; seen by the same people as its followers are."""
    kind = f"following:{encode('u', user_id)}"
    after = _place(deps, kind, cursor)
    listed = await deps.lists.following(_account(viewer), user_id, after=after, limit=limit)
    return _page(request, response, deps, listed, kind, _values(listed.next))


@router.get("/v1/me/follow-requests", summary="Who asks to follow you", responses=problems(*_OWN, InvalidCursor))
async def list_follow_requests(
    request: Request, response: Response, viewer: Viewer, deps: Dependencies, limit: Limit = 20, cursor: Cursor = None
) -> Page[ListedAccount]:
    """The newest first. When your account stops being private, all of them are approved."""
    return await _own_list(Listing.REQUESTS, request, response, viewer, deps, limit, cursor)


@router.put(
    "/v1/me/follow-requests/{user_id}",
    summary="Approve a follow request",
    responses=problems(*_CHANGE, errors.FollowRequestNotFound),
)
async def approve_follow_request(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """They follow you from now on. Safe to repeat."""
    return Relationship.of(user_id, await deps.graph.approve(viewer.account_id, user_id))


@router.delete("/v1/me/follow-requests/{user_id}", summary="Deny a follow request", responses=problems(*_CHANGE))
async def deny_follow_request(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """They are not told, and may ask again. Safe to repeat."""
    return Relationship.of(user_id, await deps.graph.deny(viewer.account_id, user_id))


@router.delete("/v1/me/followers/{user_id}", summary="Remove a follower", responses=problems(*_CHANGE))
async def remove_follower(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """They no longer follow you, and are not told. Safe to repeat."""
    return Relationship.of(user_id, await deps.graph.remove_follower(viewer.account_id, user_id))


@router.get("/v1/me/blocks", summary="Whom you block", responses=problems(*_OWN, InvalidCursor))
async def list_blocks(
    request: Request, response: Response, viewer: Viewer, deps: Dependencies, limit: Limit = 20, cursor: Cursor = None
) -> Page[ListedAccount]:
    """The newest first. Only you see this list."""
    return await _own_list(Listing.BLOCKS, request, response, viewer, deps, limit, cursor)


@router.get("/v1/me/mutes", summary="Whom you mute", responses=problems(*_OWN, InvalidCursor))
async def list_mutes(
    request: Request, response: Response, viewer: Viewer, deps: Dependencies, limit: Limit = 20, cursor: Cursor = None
) -> Page[ListedAccount]:
    """The newest first. Only you see this list."""
    return await _own_list(Listing.MUTES, request, response, viewer, deps, limit, cursor)


@router.get("/v1/me/relationships", summary="How you stand to many accounts", responses=problems(*_OWN))
async def list_relationships(
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
    user_id: Annotated[list[UserId], Query(min_length=1, max_length=100, description="Repeat it, up to 100 times.")],
) -> Relationships:
    """In the order in which you ask. An account that hides from you, or does not exist, is nothing to you."""
    found = await deps.graph.relations(viewer.account_id, list(dict.fromkeys(user_id)))
    response.headers["Cache-Control"] = _CACHE
    return Relationships(items=[Relationship.of(account_id, relation) for account_id, relation in found.items()])


async def _own_list(
    listing: Listing,
    request: Request,
    response: Response,
    viewer: Principal,
    deps: Deps,
    limit: int,
    cursor: str | None,
) -> Page[ListedAccount]:
    kind = f"{listing.name.lower()}:{encode('u', viewer.account_id)}"
    listed = await deps.lists.own(listing, viewer.account_id, after=_place(deps, kind, cursor), limit=limit)
    return _page(request, response, deps, listed, kind, _values(listed.next))


def _page(
    request: Request, response: Response, deps: Deps, listed: Listed, kind: str, values: list[int | str] | None
) -> Page[ListedAccount]:
    next_cursor = deps.cursors.encode(kind, values) if values else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = _CACHE
    return Page(items=[ListedAccount.of(account) for account in listed.accounts], next_cursor=next_cursor)


def _account(viewer: Principal | None) -> int | None:
    return viewer.account_id if viewer else None


def _place(deps: Deps, kind: str, cursor: str | None) -> Place | None:
    if not cursor:
        return None
    at, last_id = deps.cursors.decode(kind, cursor)
    return Place(_moment(at), last_id)


def _values(place: Place | None, begun: datetime | None = None) -> list[int | str] | None:
    """What a cursor holds, if there is a next page."""
    if place is None:
        return None
    values: list[int | str] = [_microseconds(place.at), place.id]
    return [*values, int(place.known), _microseconds(begun)] if begun else values


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
