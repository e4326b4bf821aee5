"""The internal API of social-graph."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field

from photomesh_shared.ids import MAX_ID, UserId
from photomesh_shared.internal_api.operation import InternalModel, Operation
from photomesh_shared.internal_api.states import AccountState, PairPage, PairPageQuery, StoredAccount

__all__ = [
    "GET_FOLLOWERS",
    "GET_FOLLOWING",
    "GET_NEIGHBOURS",
    "GET_POPULAR",
    "GET_SUMMARY",
    "LIST_PAIRS",
    "MAX_FOLLOWERS",
    "MAX_NEIGHBOURS",
    "PUT_ACCOUNT",
    "FollowersQuery",
    "Following",
    "Neighbours",
    "PopularAccount",
    "PopularQuery",
    "Relationship",
    "Summary",
    "SummaryQuery",
    "VersionedAccount",
]

MAX_FOLLOWERS = 50_000
"""Maximum number of followers per call."""


class FollowersQuery(InternalModel):
    after: int = Field(0, ge=0, le=MAX_ID, description="Only ids above this one.")
    limit: int = Field(1_000, ge=1, le=MAX_FOLLOWERS)


class VersionedAccount(NamedTuple):
    """An account, and the version of the viewer's relation to it."""

    account_id: int
    version: int


class Following(InternalModel):
    """All accounts that an account follows, and all that it mutes. `ended`: former relations, to accounts that it
    neither follows nor mutes."""

    following: list[VersionedAccount]
    muted: list[VersionedAccount]
    ended: list[VersionedAccount] = Field(default=[])


MAX_NEIGHBOURS = 1_000
"""Maximum number of accounts of each kind."""


class Neighbours(InternalModel):
    """Accounts near an account, of each kind 1,000 at most."""

    followed: list[UserId] = Field(description="The latest first.")
    near: list[UserId] = Field(
        description="Whom those follow whom it followed last, by how many of these do. Some of them it follows itself."
    )
    blocked: list[UserId] = Field(description="Whom it blocks, and who does not block it. The latest first.")


class SummaryQuery(InternalModel):
    viewer_id: UserId | None = None


class Relationship(InternalModel):
    """The relationship between the viewer and an account."""

    user_id: UserId
    following: bool
    requested: bool
    followed_by: bool
    requested_by: bool
    blocking: bool
    muting: bool


class Summary(InternalModel):
    """The graph's part of a profile; zeros for an unknown account.

    `relationship` is null without a viewer, or when the viewer is the account itself.
    """

    followers: int
    following: int
    relationship: Relationship | None
    blocked_by: bool = Field(description="Whether the account blocks the viewer.")


class PopularQuery(InternalModel):
    at_least: int = Field(10_000, ge=1, le=MAX_ID, description="Followers.")


class PopularAccount(NamedTuple):
    account_id: int
    followers: int


PUT_ACCOUNT = Operation(
    "PUT", "/internal/accounts/{user_id}", StoredAccount, body=AccountState, callers=frozenset({"identity"})
)
"""Stores an account ahead of its event, unless a newer version is stored: for restrictive changes."""
GET_FOLLOWERS = Operation(
    "GET", "/internal/accounts/{user_id}/followers", bytes, query=FollowersQuery, callers=frozenset({"feed-consumer"})
)
"""Ids of followers in ascending order, packed (`packed_ids`); a page below the limit is the last."""
GET_FOLLOWING = Operation(
    "GET", "/internal/accounts/{user_id}/following", Following, callers=frozenset({"feed", "search"})
)
GET_NEIGHBOURS = Operation("GET", "/internal/accounts/{user_id}/neighbours", Neighbours, callers=frozenset({"search"}))
"""For an order, not for what may be seen. Costs some twenty short reads."""
GET_SUMMARY = Operation(
    "GET", "/internal/accounts/{user_id}/summary", Summary, query=SummaryQuery, callers=frozenset({"identity"})
)
GET_POPULAR = Operation(
    "GET", "/internal/popular", list[PopularAccount], query=PopularQuery, callers=frozenset({"feed-consumer"})
)
"""Accounts with at least the given number of followers, most followers first."""
LIST_PAIRS = Operation(
    "GET",
    "/internal/pairs",
    PairPage,
    query=PairPageQuery,
    callers=frozenset({"post-consumer", "feed-consumer"}),
)
"""All pairs between which anything is, or was, page by page, for services that compare their copies with them."""
