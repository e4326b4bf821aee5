"""What an account can ask for of its own things, and whose each event is. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from photomesh_shared.events import (
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequestClosed,
    FollowRequested,
    NotificationRemoved,
    NotificationUpdated,
    PhotoFailed,
    PhotoReady,
    PhotoRejected,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostLiked,
    PostPublished,
    PostUnliked,
    StoryReplyCreated,
    StoryReplyDeleted,
)

__all__ = ["WHOSE", "owners_of"]

Owners = Callable[[Any], set[int]]


def _of_photo(photo: Any) -> set[int]:
    return {photo.owner_id}


def _of_post(post: Any) -> set[int]:
    return {post.author_id}


def _of_post_like(like: PostLiked | PostUnliked) -> set[int]:
    return {like.post_author_id}


def _of_comment(comment: CommentCreated | CommentDeleted) -> set[int]:
    return {comment.post_author_id}


def _of_comment_like(like: CommentLiked | CommentUnliked) -> set[int]:
    return {like.comment_author_id}


def _of_story_reply(reply: StoryReplyCreated | StoryReplyDeleted) -> set[int]:
    return {reply.author_id}


def _of_follow(follow: FollowCreated | FollowDeleted | FollowRequested) -> set[int]:
    """The one who is followed: a follower knows what it does."""
    return {follow.followee_id}


def _of_closed_request(request: FollowRequestClosed) -> set[int]:
    """Not of one that a block has closed: nobody hears of blocks."""
    return {request.followee_id} if request.outcome in ("denied", "withdrawn") else set()


def _of_notification(notification: NotificationUpdated | NotificationRemoved) -> set[int]:
    return {notification.recipient_id}


WHOSE: Final[dict[type[Event], Owners]] = {
    PhotoReady: _of_photo,
    PhotoRejected: _of_photo,
    PhotoFailed: _of_photo,
    PostCreated: _of_post,
    PostPublished: _of_post,
    PostFailed: _of_post,
    PostEdited: _of_post,
    PostDeleted: _of_post,
    PostLiked: _of_post_like,
    PostUnliked: _of_post_like,
    CommentCreated: _of_comment,
    CommentDeleted: _of_comment,
    CommentLiked: _of_comment_like,
    CommentUnliked: _of_comment_like,
    FollowCreated: _of_follow,
    FollowDeleted: _of_follow,
    FollowRequested: _of_follow,
    FollowRequestClosed: _of_closed_request,
    StoryReplyCreated: _of_story_reply,
    StoryReplyDeleted: _of_story_reply,
    NotificationUpdated: _of_notification,
    NotificationRemoved: _of_notification,
}
"""A new type that is about an account's own things is one row here."""


def owners_of(event: Event) -> set[int]:
    """The accounts whose own endpoints hear of an event; empty for what is nobody's."""
    whose = WHOSE.get(type(event))
    return whose(event) if whose else set()
