"""Sample events of posts, follows and engagement, with the ids and versions that a test cares about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from photomesh_shared.events import (
    AccountUpdated,
    Envelope,
    FollowCreated,
    FollowDeleted,
    MuteCreated,
    MuteDeleted,
    PostCounted,
    PostDeleted,
    PostEdited,
    PostPublished,
)
from photomesh_shared.ids import timestamp_of
from photomesh_shared.internal_api.post import PostSnapshot

__all__ = [
    "account_changed",
    "post_counted",
    "post_deleted",
    "post_edited",
    "post_fact",
    "post_published",
    "post_snapshot",
    "user_followed",
    "user_muted",
    "user_unfollowed",
    "user_unmuted",
]

_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)


def post_fact(post_id: int, author_id: int, caption: str = "") -> PostPublished:
    """A post that was published a second after its id was made. Words of the caption that begin with # are its
    hashtags."""
    at = timestamp_of(post_id)
    return PostPublished.example().model_copy(
        update={
            "post_id": post_id,
            "author_id": author_id,
            "caption": caption or f"post {post_id}",
            "hashtags": tuple(word[1:] for word in caption.split() if word.startswith("#")),
            "created_at": at,
            "published_at": at + timedelta(seconds=1),
        }
    )


def post_snapshot(
    fact: PostPublished,
    version: int = 1,
    *,
    likes: int = 1,
    comments: int = 0,
    counts_version: int = 0,
    edited_at: datetime | None = None,
) -> PostSnapshot:
    """A post as post's internal API returns it."""
    return PostSnapshot(
        **{**dict(fact), "edited_at": edited_at},
        version=version,
        like_count=likes,
        comment_count=comments,
        counts_version=counts_version,
        deleted=False,
    )


def post_published(
    post_id: int, author_id: int, version: int = 1, *, at: datetime | None = None
) -> Envelope[PostPublished]:
    event = PostPublished.example().model_copy(update={"post_id": post_id, "author_id": author_id})
    return Envelope.of(event, entityversion=version, id=f"{event.subject()}.published", time=at)


def post_edited(post_id: int, author_id: int, version: int, *, whole: bool = True) -> Envelope[PostEdited]:
    """`whole` False: as from before edits had all of the post."""
    changes: dict[str, object] = {"post_id": post_id, "author_id": author_id, "caption": f"version {version}"}
    if not whole:
        changes |= {"created_at": None, "published_at": None, "photos": ()}
    return Envelope.of(PostEdited.example().model_copy(update=changes), entityversion=version)


def post_deleted(post_id: int, author_id: int, version: int = 9) -> Envelope[PostDeleted]:
    event = PostDeleted.example().model_copy(update={"post_id": post_id, "author_id": author_id})
    return Envelope.of(event, entityversion=version)


def post_counted(post_id: int, author_id: int, version: int = 1, *, likes: int = 1) -> Envelope[PostCounted]:
    changes = {"post_id": post_id, "post_author_id": author_id, "likes": likes}
    return Envelope.of(PostCounted.example().model_copy(update=changes), entityversion=version)


def user_followed(follower: int, followee: int, version: int = 1, *, followers: int = 1) -> Envelope[FollowCreated]:
    event = FollowCreated(follower_id=follower, followee_id=followee, followers=followers, created_at=_AT)
    return Envelope.of(event, entityversion=version)


def user_unfollowed(follower: int, followee: int, version: int = 2, *, followers: int = 0) -> Envelope[FollowDeleted]:
    event = FollowDeleted(follower_id=follower, followee_id=followee, followers=followers, deleted_at=_AT)
    return Envelope.of(event, entityversion=version)


def user_muted(muter: int, muted: int, version: int) -> Envelope[MuteCreated]:
    event = MuteCreated.example().model_copy(update={"muter_id": muter, "muted_id": muted})
    return Envelope.of(event, entityversion=version)


def user_unmuted(muter: int, muted: int, version: int) -> Envelope[MuteDeleted]:
    event = MuteDeleted.example().model_copy(update={"muter_id": muter, "muted_id": muted})
    return Envelope.of(event, entityversion=version)


def account_changed(
    account_id: int, *, version: int, status: str = "active", private: bool = True
) -> Envelope[AccountUpdated]:
    changes = {"user_id": account_id, "status": status, "private": private}
    event = AccountUpdated.example().model_copy(update=changes)
    return Envelope.of(event, entityversion=version)
