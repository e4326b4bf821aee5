"""Routes for the other services: no token, not in the API's document, and not routed by the gateway."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from photomesh_shared.ids import MAX_ID, UserId
from photomesh_social_graph.schemas import Relationship, Summary
from photomesh_social_graph.wiring import Deps

__all__ = ["router"]

router = APIRouter(prefix="/internal", include_in_schema=False)


async def _deps(request: Request) -> Deps:  # async, or it would take a turn in a thread for each request
    deps: Deps = request.app.state.deps
    return deps


Dependencies = Annotated[Deps, Depends(_deps)]


@router.get("/accounts/{user_id}/followers")
async def follower_ids(
    user_id: UserId,
    deps: Dependencies,
    after: Annotated[int, Query(ge=0, le=MAX_ID)] = 0,
    limit: Annotated[int, Query(ge=1, le=50_000)] = 1_000,
) -> Response:
    """The ids of followers above `after`, ascending, each as eight bytes, the highest first; fewer than `limit` are the
    last. PostgreSQL makes the bytes, so a million of them cost this process nothing."""
    packed = await deps.store.follower_ids(user_id, after=after, limit=limit)
    return Response(packed, media_type="application/octet-stream")


@router.get("/accounts/{user_id}/following")
async def following(user_id: UserId, deps: Dependencies) -> Response:
    """Everybody whom the account follows or mutes, each with the version of the pair."""
    return Response(await deps.store.following_json(user_id), media_type="application/json")


@router.get("/accounts/{user_id}/summary")
async def summary(user_id: UserId, deps: Dependencies, viewer_id: UserId | None = None) -> Summary:
    """What a profile shows of the graph; zeros for an account that is not known."""
    counts = await deps.store.counts(user_id)
    if viewer_id is None or viewer_id == user_id:
        return Summary(followers=counts.followers, following=counts.following, relationship=None, blocked_by=False)
    relation = (await deps.store.relations(viewer_id, [user_id]))[user_id]
    return Summary(
        followers=counts.followers,
        following=counts.following,
        relationship=Relationship.of(user_id, relation),
        blocked_by=relation.blocked_by,
    )


@router.get("/popular")
async def popular(
    deps: Dependencies, at_least: Annotated[int, Query(ge=1, le=MAX_ID)] = 10_000
) -> list[tuple[int, int]]:
    """Accounts with so many followers or more, and how many they have, the most first."""
    return await deps.store.popular(at_least)
