"""Events of accounts, photos and comments."""

from __future__ import annotations

from dataclasses import replace

from photomesh_shared import ids
from photomesh_shared.events import (
    FOR_POSTS,
    FOR_STORIES,
    AccountRegistered,
    AccountUpdated,
    BlockCreated,
    BlockDeleted,
    CommentCreated,
    CommentDeleted,
    Envelope,
    FollowCreated,
    FollowDeleted,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PhotoRetentionElapsed,
    PhotoUploaded,
    Variant,
)
from photomesh_shared.events.versions import version_at

__all__ = [
    "ADA",
    "GRACE",
    "LINUS",
    "account",
    "blocked",
    "comment_created",
    "comment_deleted",
    "failed",
    "followed",
    "ready",
    "ready_for_story",
    "rejected",
    "retention_elapsed",
    "unblocked",
    "unfollowed",
    "uploaded",
]

ADA, GRACE, LINUS = 101, 102, 103


def account(
    user_id: int,
    *,
    username: str | None = None,
    private: bool = False,
    version: int = 1,
    status: str = "active",
    mentionable_by: str = "everybody",
    avatar_url: str | None = None,
) -> Envelope[AccountRegistered] | Envelope[AccountUpdated]:
    fields = AccountRegistered.example().model_dump() | {
        "user_id": user_id,
        "username": username or f"user{user_id}",
        "private": private,
        "status": status,
        "mentionable_by": mentionable_by,
        "avatar_url": avatar_url,
    }
    if version == 1:
        return Envelope.of(AccountRegistered(**fields), entityversion=1)
    updated_at = AccountUpdated.example().updated_at
    return Envelope.of(AccountUpdated(**fields, updated_at=updated_at), entityversion=version)


def uploaded(photo_id: int, owner_id: int = ADA, *, purpose: str = FOR_POSTS) -> Envelope[PhotoUploaded]:
    key = f"{ids.encode('up', photo_id)}/original"
    event = PhotoUploaded.example().model_copy(
        update={"photo_id": photo_id, "owner_id": owner_id, "purpose": purpose, "key": key}
    )
    return Envelope.of(event, entityversion=1)


def ready(photo_id: int, owner_id: int = ADA, *, version: int = 2) -> Envelope[PhotoReady]:
    folder = f"{ids.encode('p', photo_id)}/secret{version}"
    variants = tuple(
        Variant(
            size=size,
            width=size,
            height=size * 3 // 4,
            size_bytes=size,
            content_type="image/jpeg",
            key=f"{folder}/{size}.jpg",
        )
        for size in (1080, 640, 320, 150)
    )
    event = PhotoReady.example().model_copy(update={"photo_id": photo_id, "owner_id": owner_id, "variants": variants})
    return Envelope.of(event, entityversion=version)


def ready_for_story(photo_id: int, owner_id: int = ADA) -> Envelope[PhotoReady]:
    """Its sizes are in the private bucket."""
    envelope = ready(photo_id, owner_id)
    return replace(envelope, data=envelope.data.model_copy(update={"purpose": FOR_STORIES, "bucket": "raw"}))


def rejected(photo_id: int, owner_id: int = ADA, *, version: int = 2) -> Envelope[PhotoRejected]:
    event = PhotoRejected.example().model_copy(update={"photo_id": photo_id, "owner_id": owner_id})
    return Envelope.of(event, entityversion=version)


def failed(photo_id: int, owner_id: int = ADA, *, version: int = 2) -> Envelope[PhotoFailed]:
    event = PhotoFailed.example().model_copy(update={"photo_id": photo_id, "owner_id": owner_id})
    return Envelope.of(event, entityversion=version)


def followed(follower_id: int, followee_id: int, version: int = 1) -> Envelope[FollowCreated]:
    event = FollowCreated.example().model_copy(update={"follower_id": follower_id, "followee_id": followee_id})
    return Envelope.of(event, entityversion=version)


def unfollowed(follower_id: int, followee_id: int, version: int = 2) -> Envelope[FollowDeleted]:
    event = FollowDeleted.example().model_copy(update={"follower_id": follower_id, "followee_id": followee_id})
    return Envelope.of(event, entityversion=version)


def blocked(blocker_id: int, blocked_id: int, version: int = 1) -> Envelope[BlockCreated]:
    event = BlockCreated.example().model_copy(update={"blocker_id": blocker_id, "blocked_id": blocked_id})
    return Envelope.of(event, entityversion=version)


def unblocked(blocker_id: int, blocked_id: int, version: int = 2) -> Envelope[BlockDeleted]:
    event = BlockDeleted.example().model_copy(update={"blocker_id": blocker_id, "blocked_id": blocked_id})
    return Envelope.of(event, entityversion=version)


def comment_created(
    post_id: int, comment_id: int, account_id: int = GRACE, *, parent_id: int | None = None, text: str = "Lovely"
) -> Envelope[CommentCreated]:
    event = CommentCreated.example().model_copy(
        update={
            "post_id": post_id,
            "account_id": account_id,
            "comment_id": comment_id,
            "parent_id": parent_id,
            "parent_author_id": account_id if parent_id else None,
            "text": text,
            "mentions": (),
            "entities": None,
        }
    )
    return Envelope.of(event, entityversion=version_at(ids.timestamp_of(comment_id)))


def comment_deleted(
    post_id: int, comment_id: int, account_id: int = GRACE, *, parent_id: int | None = None
) -> Envelope[CommentDeleted]:
    event = CommentDeleted.example().model_copy(
        update={"post_id": post_id, "account_id": account_id, "comment_id": comment_id, "parent_id": parent_id}
    )
    return Envelope.of(event, entityversion=version_at(ids.timestamp_of(comment_id)) + 1)


def retention_elapsed(photo_id: int, stage: str = "unused", owner_id: int = ADA) -> Envelope[PhotoRetentionElapsed]:
    example = PhotoRetentionElapsed.example()
    event = example.model_copy(update={"photo_id": photo_id, "owner_id": owner_id, "stage": stage})
    return Envelope.of(event, entityversion=1)
