"""Routes of lists of accounts: followers, following, follow requests, blocks and mutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from photomesh_shared.auth import MaybeViewer, Principal, Viewer
from photomesh_shared.cursors import Page, link_next
from photomesh_shared.errors import InvalidCursor
from photomesh_shared.http import problems
from photomesh_shared.ids import UserId, encode
from photomesh_social_graph.domain import AccountList, ListPosition
from photomesh_social_graph.http.dependencies import CACHE_CONTROL, OWN, READ, Dependencies, account_id_of
from photomesh_social_graph.http.schemas import ListedAccount
from photomesh_social_graph.queries import AccountPage
from photomesh_social_graph.wiring import Deps

__all__ = ["router"]

router = APIRouter(tags=["people"])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=300, description="`next_cursor` of the previous page.")]


@router.get("/v1/users/{user_id}/followers", summary="List followers", responses=problems(*READ, InvalidCursor))
async def list_followers(
    request: Request,
    response: Response,
    user_id: UserId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ListedAccount]:
    """Accounts that you follow precede the others; each group is sorted newest first. Only its followers see the
    followers of a private account. Accounts between which and you there is a block are left out. The list of an
    account that is hidden from you or does not exist is empty. A page may have fewer than `limit` items; pages neither
    repeat nor skip an item while the list changes."""
    viewer_id = account_id_of(viewer)
    kind = f"followers:{encode('u', user_id)}:{viewer_id}"
    after: ListPosition | None = None
    as_of = deps.lists.snapshot_time()
    if cursor:
        at, last_id, known, microseconds = deps.cursors.decode(kind, cursor)
        after, as_of = ListPosition(_moment(at), last_id, known=bool(known)), _moment(microseconds)
    page = await deps.lists.followers(viewer_id, user_id, as_of=as_of, after=after, limit=limit)
    return _page(request, response, deps, page, kind, _values(page.next, as_of))


@router.get("/v1/users/{user_id}/following", summary="List followed accounts", responses=problems(*READ, InvalidCursor))
async def list_following(
    request: Request,
    response: Response,
    user_id: UserId,
    viewer: MaybeViewer,
    deps: Dependencies,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Page[ListedAccount]:
    """The accounts that this one follows, newest first. Visible to the same accounts as the list of followers."""
    kind = f"following:{encode('u', user_id)}"
    after = _position(deps, kind, cursor)
    page = await deps.lists.following(account_id_of(viewer), user_id, after=after, limit=limit)
    return _page(request, response, deps, page, kind, _values(page.next))


@router.get("/v1/me/follow-requests", summary="List follow requests", responses=problems(*OWN, InvalidCursor))
async def list_follow_requests(
    request: Request, response: Response, viewer: Viewer, deps: Dependencies, limit: Limit = 20, cursor: Cursor = None
) -> Page[ListedAccount]:
    """The accounts that ask to follow you, newest first. When your account becomes public, all requests are
    approved."""
    return await _own_list(AccountList.REQUESTS, request, response, viewer, deps, limit, cursor)


@router.get("/v1/me/blocks", summary="List blocked accounts", responses=problems(*OWN, InvalidCursor))
async def list_blocks(
    request: Request, response: Response, viewer: Viewer, deps: Dependencies, limit: Limit = 20, cursor: Cursor = None
) -> Page[ListedAccount]:
    """Newest first. Only you can see this list."""
    return await _own_list(AccountList.BLOCKS, request, response, viewer, deps, limit, cursor)


@router.get("/v1/me/mutes", summary="List muted accounts", responses=problems(*OWN, InvalidCursor))
async def list_mutes(
    request: Request, response: Response, viewer: Viewer, deps: Dependencies, limit: Limit = 20, cursor: Cursor = None
) -> Page[ListedAccount]:
    """Newest first. Only you can see this list."""
    return await _own_list(AccountList.MUTES, request, response, viewer, deps, limit, cursor)


async def _own_list(
    kind_of_list: AccountList,
    request: Request,
    response: Response,
    viewer: Principal,
    deps: Deps,
    limit: int,
    cursor: str | None,
) -> Page[ListedAccount]:
    kind = f"{kind_of_list.name.lower()}:{encode('u', viewer.account_id)}"
    after = _position(deps, kind, cursor)
    page = await deps.lists.own_list(kind_of_list, viewer.account_id, after=after, limit=limit)
    return _page(request, response, deps, page, kind, _values(page.next))


def _page(
    request: Request, response: Response, deps: Deps, page: AccountPage, kind: str, values: list[int | str] | None
) -> Page[ListedAccount]:
    next_cursor = deps.cursors.encode(kind, values) if values else None
    link_next(request, response, deps.public_url, next_cursor)
    response.headers["Cache-Control"] = CACHE_CONTROL
    return Page(items=[ListedAccount.of(account) for account in page.accounts], next_cursor=next_cursor)


def _position(deps: Deps, kind: str, cursor: str | None) -> ListPosition | None:
    if not cursor:
        return None
    at, last_id = deps.cursors.decode(kind, cursor)
    return ListPosition(_moment(at), last_id)


def _values(position: ListPosition | None, as_of: datetime | None = None) -> list[int | str] | None:
    """The values of the next cursor; None on the last page."""
    if position is None:
        return None
    values: list[int | str] = [_microseconds(position.at), position.id]
    return [*values, int(position.known), _microseconds(as_of)] if as_of else values


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
