"""Routes of lists of accounts: followers, following, follow requests, blocks, mutes and close friends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from photomesh_shared.auth import MaybeViewer, Principal, Viewer
from photomesh_shared.http import ApiRouter, Auth, Page, PageRequest, Paging, RateClass
from photomesh_shared.ids import UserId, encode
from photomesh_social_graph import errors
from photomesh_social_graph.domain import AccountList, ListPosition
from photomesh_social_graph.http.dependencies import Dependencies, account_id_of
from photomesh_social_graph.http.schemas import ListedAccount
from photomesh_social_graph.queries import AccountPage
from photomesh_social_graph.wiring import Deps

__all__ = ["router"]

router = ApiRouter(tags=["people"])

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@router.get(
    "/v1/users/{user_id}/followers",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.AccountNotFound],
    summary="List followers",
)
async def list_followers(
    user_id: UserId, viewer: MaybeViewer, deps: Dependencies, paging: Paging
) -> Page[ListedAccount]:
    """Accounts that you follow precede the others; each group is sorted newest first. Only its followers see the
    followers of a private account. Accounts between which and you there is a block are left out. An account
    whose profile you get a 404 for has none here either. A page may have fewer than `limit` items; pages neither
    repeat nor skip an item while the list changes."""
    viewer_id = account_id_of(viewer)
    kind = f"followers:{encode('u', user_id)}:{viewer_id}"
    after, as_of = None, deps.lists.snapshot_time()
    if values := paging.position(kind):
        at, last_id, known, snapshot = values
        after, as_of = ListPosition(_moment(at), last_id, known=bool(known)), _moment(snapshot)
    page = await deps.lists.followers(viewer_id, user_id, as_of=as_of, after=after, limit=paging.limit)
    known = page.next is not None and page.next.known
    return _response(paging, kind, page, int(known), _microseconds(as_of))


@router.get(
    "/v1/users/{user_id}/following",
    auth=Auth.OPTIONAL,
    rate=RateClass.READ,
    paged=True,
    problems=[errors.AccountNotFound],
    summary="List followed accounts",
)
async def list_following(
    user_id: UserId, viewer: MaybeViewer, deps: Dependencies, paging: Paging
) -> Page[ListedAccount]:
    """The accounts that this one follows, newest first. Visible to the same accounts as the list of followers."""
    kind = f"following:{encode('u', user_id)}"
    after = _position(paging.position(kind))
    page = await deps.lists.following(account_id_of(viewer), user_id, after=after, limit=paging.limit)
    return _response(paging, kind, page)


@router.get(
    "/v1/me/follow-requests", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List follow requests"
)
async def list_follow_requests(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[ListedAccount]:
    """The accounts that ask to follow you, newest first. When your account becomes public, all requests are
    approved."""
    return await _own_list(AccountList.REQUESTS, viewer, deps, paging)


@router.get("/v1/me/blocks", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List blocked accounts")
async def list_blocks(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[ListedAccount]:
    """Newest first. Only you can see this list."""
    return await _own_list(AccountList.BLOCKS, viewer, deps, paging)


@router.get("/v1/me/mutes", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List muted accounts")
async def list_mutes(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[ListedAccount]:
    """Newest first. Only you can see this list."""
    return await _own_list(AccountList.MUTES, viewer, deps, paging)


@router.get("/v1/me/close-friends", auth=Auth.REQUIRED, rate=RateClass.READ, paged=True, summary="List close friends")
async def list_close_friends(viewer: Viewer, deps: Dependencies, paging: Paging) -> Page[ListedAccount]:
    """Those whom you added last come first. Only you can see this list, and nobody learns that they are on it."""
    return await _own_list(AccountList.CLOSE_FRIENDS, viewer, deps, paging)


async def _own_list(listed: AccountList, viewer: Principal, deps: Deps, paging: PageRequest) -> Page[ListedAccount]:
    kind = f"{listed.name.lower()}:{encode('u', viewer.account_id)}"
    after = _position(paging.position(kind))
    page = await deps.lists.own_list(listed, viewer.account_id, after=after, limit=paging.limit)
    return _response(paging, kind, page)


def _response(paging: PageRequest, kind: str, page: AccountPage, *more: int) -> Page[ListedAccount]:
    """`more` follows the position in the cursor."""
    end = [_microseconds(page.next.at), page.next.id, *more] if page.next else None
    return paging.page(kind, [ListedAccount.of(account) for account in page.accounts], end)


def _position(values: Sequence[int] | None) -> ListPosition | None:
    if values is None:
        return None
    at, last_id = values
    return ListPosition(_moment(at), last_id)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
