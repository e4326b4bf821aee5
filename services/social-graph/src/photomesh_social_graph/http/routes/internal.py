"""Routes for other services."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_shared.http import InternalRouter
from photomesh_shared.ids import UserId
from photomesh_shared.internal_api.export import GET_EXPORT_PAGE, ExportPage, ExportQuery
from photomesh_shared.internal_api.social_graph import (
    GET_FOLLOWERS,
    GET_FOLLOWING,
    GET_NEIGHBOURS,
    GET_POPULAR,
    GET_SUMMARY,
    LIST_PAIRS,
    PUT_ACCOUNT,
    FollowersQuery,
    Neighbours,
    PopularAccount,
    PopularQuery,
    Relationship,
    Summary,
    SummaryQuery,
)
from photomesh_shared.internal_api.states import AccountState, PairPage, PairPageQuery, StoredAccount
from photomesh_social_graph.domain import Account
from photomesh_social_graph.http.dependencies import Dependencies

__all__ = ["router"]

router = InternalRouter()


@router.serves(PUT_ACCOUNT)
async def put_account(user_id: UserId, state: AccountState, deps: Dependencies) -> StoredAccount:
    """Waits for changes of the account that are in progress, so that later ones see this state."""
    account = Account(user_id, state.username, state.display_name, state.avatar_url, state.private, state.status)
    return StoredAccount(version=await deps.store.upsert_account(account, state.version))


@router.serves(GET_FOLLOWERS)
async def get_followers(user_id: UserId, query: Annotated[FollowersQuery, Query()], deps: Dependencies) -> Response:
    """PostgreSQL packs the ids, which costs this process nothing per id."""
    packed = await deps.store.follower_ids(user_id, after=query.after, limit=query.limit)
    return Response(packed, media_type="application/octet-stream")


@router.serves(GET_FOLLOWING)
async def get_following(user_id: UserId, deps: Dependencies) -> Response:
    """PostgreSQL encodes the JSON."""
    return Response(await deps.store.following_json(user_id), media_type="application/json")


@router.serves(GET_NEIGHBOURS)
async def get_neighbours(user_id: UserId, deps: Dependencies) -> Neighbours:
    followed, near, blocked = await deps.store.neighbours(user_id)
    return Neighbours(followed=followed, near=near, blocked=blocked)


@router.serves(GET_SUMMARY)
async def get_summary(user_id: UserId, query: Annotated[SummaryQuery, Query()], deps: Dependencies) -> Summary:
    counts = await deps.store.counts(user_id)
    if query.viewer_id is None or query.viewer_id == user_id:
        return Summary(followers=counts.followers, following=counts.following, relationship=None, blocked_by=False)
    relation = (await deps.store.relations(query.viewer_id, [user_id]))[user_id]
    return Summary(
        followers=counts.followers,
        following=counts.following,
        relationship=Relationship(
            user_id=user_id,
            following=relation.following,
            requested=relation.requested,
            followed_by=relation.followed_by,
            requested_by=relation.requested_by,
            blocking=relation.blocking,
            muting=relation.muting,
        ),
        blocked_by=relation.blocked_by,
    )


@router.serves(GET_POPULAR)
async def get_popular(query: Annotated[PopularQuery, Query()], deps: Dependencies) -> list[PopularAccount]:
    return [PopularAccount(*counted) for counted in await deps.store.popular(query.at_least)]


@router.serves(LIST_PAIRS)
async def list_pairs(query: Annotated[PairPageQuery, Query()], deps: Dependencies) -> PairPage:
    pairs, total = await deps.store.page_of_pairs((query.after_account, query.after_other), query.limit)
    return PairPage(pairs=pairs, total=total)


@router.serves(GET_EXPORT_PAGE)
async def get_export_page(account_id: UserId, query: Annotated[ExportQuery, Query()], deps: Dependencies) -> ExportPage:
    return await deps.records.page(account_id, query)
