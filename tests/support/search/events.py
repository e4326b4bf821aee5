"""Events of accounts and posts for tests of search."""

from __future__ import annotations

from datetime import UTC, datetime

from photomesh_shared.events import (
    AccountUpdated,
    Envelope,
    FollowCreated,
    PostDeleted,
    PostEdited,
    PostPublished,
)
from photomesh_shared.events.posts import Place

__all__ = ["account", "deleted", "edited", "follow", "post"]

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def account(
    user_id: int,
    version: int,
    username: str = "ada",
    display_name: str = "Ada Lovelace",
    *,
    private: bool = False,
    status: str = "active",
    searchable: bool = True,
) -> Envelope[AccountUpdated]:
    event = AccountUpdated.example().model_copy(
        update={
            "user_id": user_id,
            "username": username,
            "display_name": display_name,
            "private": private,
            "status": status,
            "searchable": searchable,
        }
    )
    return Envelope.of(event, entityversion=version)


def post(
    post_id: int,
    author_id: int,
    version: int,
    caption: str = "A scene",
    *,
    hashtags: tuple[str, ...] = (),
    place: Place | None = None,
    created_at: datetime = AT,
) -> Envelope[PostPublished]:
    event = PostPublished.example().model_copy(
        update={
            "post_id": post_id,
            "author_id": author_id,
            "caption": caption,
            "hashtags": hashtags,
            "place": place,
            "created_at": created_at,
        }
    )
    return Envelope.of(event, entityversion=version)


def edited(post_id: int, author_id: int, version: int, caption: str) -> Envelope[PostEdited]:
    event = PostEdited.example().model_copy(
        update={
            "post_id": post_id,
            "author_id": author_id,
            "caption": caption,
            "hashtags": (),
            "place": None,
            "created_at": AT,
            "published_at": AT,
        }
    )
    return Envelope.of(event, entityversion=version)


def deleted(post_id: int, author_id: int, version: int) -> Envelope[PostDeleted]:
    event = PostDeleted.example().model_copy(update={"post_id": post_id, "author_id": author_id})
    return Envelope.of(event, entityversion=version)


def follow(follower_id: int, followee_id: int, followers: int, at: datetime = AT) -> Envelope[FollowCreated]:
    event = FollowCreated(
        follower_id=follower_id, followee_id=followee_id, followers=followers, created_at=at, approved=False
    )
    return Envelope.of(event, entityversion=1)
