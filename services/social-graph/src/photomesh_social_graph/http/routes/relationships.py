"""Routes of relationships: follow, block, mute, close friends, and answering follow requests."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from photomesh_shared.auth import Viewer
from photomesh_shared.http import PRIVATE, ApiRouter, Auth, Budget, RateClass
from photomesh_shared.ids import UserId
from photomesh_social_graph.errors import (
    AccountNotFound,
    AccountNotReady,
    CloseFriendsLimitReached,
    FollowingLimitReached,
    FollowRequestNotFound,
    NotAFollower,
    OwnAccount,
    RestrictionPending,
)
from photomesh_social_graph.http.dependencies import Dependencies
from photomesh_social_graph.http.schemas import Relationship, Relationships

__all__ = ["router"]

router = ApiRouter(tags=["people"])

_CHANGE = (AccountNotFound, AccountNotReady, OwnAccount)
_RESTRICTION = (*_CHANGE, RestrictionPending)


@router.put(
    "/v1/users/{user_id}/follow",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[*_CHANGE, FollowingLimitReached],
    summary="Follow an account",
)
async def follow(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """If the account is private, this sends a follow request: `requested` is true until the account approves or denies
    it, or you withdraw it. Idempotent. An account that blocks you does not exist for you."""
    return Relationship.of(user_id, await deps.relationships.follow(viewer.account_id, user_id))


@router.delete(
    "/v1/users/{user_id}/follow",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=_CHANGE,
    summary="Unfollow an account",
)
async def unfollow(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Also withdraws a pending follow request. Posts of the account leave your feed. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.unfollow(viewer.account_id, user_id))


@router.put(
    "/v1/users/{user_id}/block",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=_RESTRICTION,
    summary="Block an account",
)
async def block(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Hides each of you from the other, and each other's comments and likes on your posts from everybody; ends follows
    and requests in both directions. The account is not notified: your account no longer exists for it. If it blocks
    you, the block is recorded although the response is 404, as for an account that does not exist. Effective when it is
    answered. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.block(viewer.account_id, user_id))


@router.delete(
    "/v1/users/{user_id}/block",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=_CHANGE,
    summary="Unblock an account",
)
async def unblock(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Does not restore the follows that the block ended. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.unblock(viewer.account_id, user_id))


@router.put(
    "/v1/users/{user_id}/mute",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=_CHANGE,
    summary="Mute an account",
)
async def mute(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Removes posts of the account from your feed; nothing else changes, and only you can see it. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.mute(viewer.account_id, user_id))


@router.delete(
    "/v1/users/{user_id}/mute", auth=Auth.REQUIRED, rate=RateClass.WRITE, problems=_CHANGE, summary="Unmute an account"
)
async def unmute(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """Posts of the account return to your feed if you follow it. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.unmute(viewer.account_id, user_id))


@router.put(
    "/v1/me/follow-requests/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[*_CHANGE, FollowRequestNotFound],
    summary="Approve a follow request",
)
async def approve_follow_request(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """The account becomes a follower of yours. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.approve_request(viewer.account_id, user_id))


@router.delete(
    "/v1/me/follow-requests/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=_CHANGE,
    summary="Deny a follow request",
)
async def deny_follow_request(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """The account is not notified, and may send another request. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.deny_request(viewer.account_id, user_id))


@router.delete(
    "/v1/me/followers/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=_RESTRICTION,
    summary="Remove a follower",
)
async def remove_follower(user_id: UserId, viewer: Viewer, deps: Dependencies) -> Relationship:
    """The account stops following you, and is not notified. Effective when it is answered. Idempotent."""
    return Relationship.of(user_id, await deps.relationships.remove_follower(viewer.account_id, user_id))


@router.put(
    "/v1/me/close-friends/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    budget=Budget.TOGGLES,
    problems=[*_CHANGE, NotAFollower, CloseFriendsLimitReached],
    status_code=204,
    summary="Add a close friend",
)
async def add_close_friend(user_id: UserId, viewer: Viewer, deps: Dependencies) -> None:
    """Only people who follow you can be close friends: they see the stories that you show to nobody else. They are not
    told, and leave the list when they stop following you. At most 1,000. Idempotent."""
    await deps.close_friends.add(viewer.account_id, user_id)


@router.delete(
    "/v1/me/close-friends/{user_id}",
    auth=Auth.REQUIRED,
    rate=RateClass.WRITE,
    problems=[AccountNotReady, OwnAccount],
    status_code=204,
    summary="Remove a close friend",
)
async def remove_close_friend(user_id: UserId, viewer: Viewer, deps: Dependencies) -> None:
    """The account is not told. Also succeeds for an account that is not on the list. Idempotent."""
    await deps.close_friends.remove(viewer.account_id, user_id)


@router.get("/v1/me/relationships", auth=Auth.REQUIRED, rate=RateClass.READ, summary="List relationships")
async def list_relationships(
    response: Response,
    viewer: Viewer,
    deps: Dependencies,
    user_id: Annotated[list[UserId], Query(min_length=1, max_length=100, description="Repeat it, up to 100 times.")],
) -> Relationships:
    """Your relationship to each of these accounts, in the order of the query. For an account that blocks you or does
    not exist, every member is false."""
    found = await deps.relationships.relations(viewer.account_id, list(dict.fromkeys(user_id)))
    response.headers["Cache-Control"] = PRIVATE
    return Relationships(items=[Relationship.of(account_id, relation) for account_id, relation in found.items()])
