"""The internal API of post."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, WrapSerializer

from photomesh_shared.events import PostPublished, UtcTime
from photomesh_shared.ids import PostId, UserId
from photomesh_shared.internal_api.operation import InternalModel, Operation
from photomesh_shared.internal_api.states import AccountState, RelationStates, StoredAccount, StoredRelations

__all__ = [
    "GET_ACCOUNTS",
    "GET_POSTS",
    "GET_POST_COUNT",
    "GET_TIMELINES",
    "GET_VIEWER_STATE",
    "MAX_AUTHORS",
    "MAX_IDS",
    "MAX_TIMELINE",
    "PUT_ACCOUNT",
    "PUT_RELATIONS",
    "Account",
    "Accounts",
    "AccountsQuery",
    "PostCount",
    "PostSnapshot",
    "Posts",
    "PostsQuery",
    "Timelines",
    "TimelinesQuery",
    "ViewerState",
    "ViewerStateQuery",
]

MAX_IDS = 100
"""Maximum number of posts or accounts per call."""
MAX_AUTHORS = 200
"""Maximum number of authors per call for timelines."""
MAX_TIMELINE = 50
"""Maximum number of posts per timeline and call."""


def _split(given: object) -> object:
    return given[0].split(",") if isinstance(given, list) and len(given) == 1 and isinstance(given[0], str) else given


def _join(ids: Any, to_wire: SerializerFunctionWrapHandler) -> str:
    return ",".join(to_wire(ids))


_IdList = (
    Field(max_length=MAX_IDS, description="Separated by commas."),
    BeforeValidator(_split),
    WrapSerializer(_join),
)


class PostsQuery(InternalModel):
    ids: Annotated[list[PostId], *_IdList]


class PostSnapshot(PostPublished):
    """The current state of a post, as its publication would carry it, and its counts."""

    edited_at: UtcTime | None
    version: int = Field(description="The `entityversion` of the post's newest event.")
    deleted: bool
    like_count: int
    comment_count: int
    counts_version: int = Field(0, description="The `entityversion` of the latest event of the counts; 0: none.")


class Posts(InternalModel):
    """Unknown and unpublished posts are omitted."""

    posts: list[PostSnapshot]
    deleted: list[PostId] = Field(default=[], description="Those of the given posts that are deleted.")


class TimelinesQuery(InternalModel):
    author_ids: list[UserId] = Field(max_length=MAX_AUTHORS)
    before: PostId | None = Field(None, description="Only posts with smaller ids.")
    limit: int = Field(MAX_TIMELINE, ge=1, le=MAX_TIMELINE, description="Posts per author.")


class Timelines(InternalModel):
    """By author, newest first; fewer than the limit only where an author has no more."""

    timelines: dict[UserId, list[PostId]]


class ViewerStateQuery(InternalModel):
    account_id: UserId
    post_ids: list[PostId] = Field(max_length=MAX_IDS)


class ViewerState(InternalModel):
    """The given posts that the account likes, and those that it saved.

    The versions are the `entityversion`s of the account's latest like or unlike, save or unsave, of each post; 0: none.
    """

    liked: list[PostId]
    saved: list[PostId]
    like_versions: dict[PostId, int] = Field(default={})
    save_versions: dict[PostId, int] = Field(default={})


class AccountsQuery(InternalModel):
    ids: Annotated[list[UserId], *_IdList]


class Account(InternalModel):
    """The author as shown on posts. Names are null if only the account's id is known."""

    id: UserId
    username: str | None
    display_name: str | None
    avatar_url: str | None
    hidden: bool = Field(False, description="The account is deactivated, or leaves: for others it does not exist.")


class Accounts(InternalModel):
    """Unknown accounts are omitted."""

    accounts: list[Account]


class PostCount(InternalModel):
    posts: int = Field(description="Published posts of the account.")


GET_POSTS = Operation("GET", "/internal/posts", Posts, query=PostsQuery, callers=frozenset({"feed", "feed-consumer"}))
GET_TIMELINES = Operation(
    "POST", "/internal/timelines", Timelines, body=TimelinesQuery, callers=frozenset({"feed", "feed-consumer"})
)
GET_VIEWER_STATE = Operation(
    "POST", "/internal/viewer-state", ViewerState, body=ViewerStateQuery, callers=frozenset({"feed"})
)
GET_ACCOUNTS = Operation("GET", "/internal/accounts", Accounts, query=AccountsQuery, callers=frozenset({"feed"}))
GET_POST_COUNT = Operation(
    "GET", "/internal/accounts/{account_id}/posts/count", PostCount, callers=frozenset({"identity"})
)
PUT_ACCOUNT = Operation(
    "PUT", "/internal/accounts/{account_id}", StoredAccount, body=AccountState, callers=frozenset({"identity"})
)
"""Stores an account ahead of its event, unless a newer version is stored: for going private."""
PUT_RELATIONS = Operation(
    "PUT", "/internal/relations", StoredRelations, body=RelationStates, callers=frozenset({"social-graph"})
)
"""Stores relations ahead of their events, unless newer versions are stored: for blocks and removed followers."""
