"""The internal API of post."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, WrapSerializer

from photomesh_shared.events import PostPublished, Reason, UtcTime
from photomesh_shared.ids import CommentId, PhotoId, PostId, UserId
from photomesh_shared.internal_api.operation import InternalModel, Operation
from photomesh_shared.internal_api.states import AccountState, RelationStates, StoredAccount, StoredRelations

__all__ = [
    "GET_ACCOUNTS",
    "GET_POSTS",
    "GET_POST_COUNT",
    "GET_SIGHTINGS",
    "GET_TIMELINES",
    "GET_VIEWER_STATE",
    "MAX_AUTHORS",
    "MAX_IDS",
    "MAX_LIKERS",
    "MAX_SEEN_ACCOUNTS",
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
    "SeenAccount",
    "SeenComment",
    "SeenPhoto",
    "SeenPost",
    "Sightings",
    "SightingsQuery",
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
MAX_SEEN_ACCOUNTS = 500
"""Maximum number of accounts per call for sightings."""
MAX_LIKERS = 1_000
"""Maximum number of accounts that like a comment, per comment and call for sightings."""


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


class SightingsQuery(InternalModel):
    viewer_id: UserId
    account_ids: list[UserId] = Field([], max_length=MAX_SEEN_ACCOUNTS)
    post_ids: list[PostId] = Field([], max_length=MAX_IDS)
    comment_ids: list[CommentId] = Field([], max_length=MAX_IDS)
    photo_ids: list[PhotoId] = Field([], max_length=MAX_IDS, description="Of photos, the viewer sees the own ones.")
    likers: dict[CommentId, Annotated[list[UserId], Field(max_length=MAX_LIKERS)]] = Field(
        {}, max_length=MAX_IDS, description="By comment, the accounts whose likes of it are to be shown."
    )
    counted_post_ids: list[PostId] = Field([], max_length=MAX_IDS, description="Of `post_ids`, whose likes to count.")
    counted_comment_ids: list[CommentId] = Field(
        [], max_length=MAX_IDS, description="Of `comment_ids`, whose likes to count."
    )


class SeenAccount(InternalModel):
    id: UserId
    username: str
    display_name: str | None
    avatar_url: str | None
    followed: bool = Field(description="Whether the viewer follows it.")
    open: bool = Field(False, description="Whether the viewer sees what it publishes.")


class SeenPost(InternalModel):
    id: PostId
    author_id: UserId
    photo_url: str | None = Field(description="The smallest size of its first photo; null unless it is published.")
    reason: Reason | None = Field(description="Why an own post failed.")
    like_count: int | None = Field(None, description="Null unless it was asked for.")


class SeenComment(InternalModel):
    id: CommentId
    post_id: PostId
    author_id: UserId
    excerpt: str = Field(description="The beginning of its text.")
    hidden_ids: list[UserId] = Field([], description="Of `likers`, those whose likes the viewer is not shown.")
    like_count: int | None = Field(None, description="Null unless it was asked for.")


class SeenPhoto(InternalModel):
    id: PhotoId
    photo_url: str | None = Field(description="The smallest size; null unless it is ready.")
    reason: Reason | None = Field(description="Why it was rejected or failed.")


class Sightings(InternalModel):
    """Only what the viewer may see: everything else is omitted, for whatever reason."""

    accounts: list[SeenAccount]
    posts: list[SeenPost]
    comments: list[SeenComment]
    photos: list[SeenPhoto]


GET_SIGHTINGS = Operation(
    "POST",
    "/internal/sightings",
    Sightings,
    body=SightingsQuery,
    callers=frozenset({"notification", "notification-push", "webhook-sender", "story", "search", "explore"}),
)
"""What a viewer may see now of accounts, posts, comments and photos whose ids another service has kept."""
GET_POSTS = Operation(
    "GET", "/internal/posts", Posts, query=PostsQuery, callers=frozenset({"feed", "feed-consumer", "search-consumer"})
)
GET_TIMELINES = Operation(
    "POST",
    "/internal/timelines",
    Timelines,
    body=TimelinesQuery,
    callers=frozenset({"feed", "feed-consumer", "search-consumer"}),
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
