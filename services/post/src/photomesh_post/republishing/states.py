"""The events that say what the tables say now, of which each is the whole state of its thing. Pure."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from photomesh_post.comments.domain import Comment, ThreadEntry
from photomesh_post.posts.domain import Post, PostStatus
from photomesh_post.texts.domain import usernames_of
from photomesh_shared import ids
from photomesh_shared.events import (
    CollectionCreated,
    CollectionDeleted,
    CollectionPostAdded,
    CollectionPostRemoved,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Envelope,
    Event,
    PostCreated,
    PostDeleted,
    PostEdited,
    PostFailed,
    PostLiked,
    PostPublished,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)
from photomesh_shared.events.versions import version_at

__all__ = ["Stored", "collection_event", "comment_event", "like_event", "list_event", "post_event", "restated"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:photomesh:republished")


class Stored(NamedTuple):
    """A thing as the tables have it. `version` is None if they do not say it: of what has ended for good."""

    key: bytes
    version: int | None
    ended: bool


def restated(event: Event, version: int) -> Envelope[Event]:
    """An event as it was or would have been published: with the id of its type, or one that repetitions share."""
    time = _EPOCH + timedelta(microseconds=version)
    match event:
        case PostCreated() | PostPublished() | PostFailed() | PostDeleted() | CommentCreated() | CommentDeleted():
            event_id = f"{event.subject()}.{event.type_.split('.')[-2]}"
        case CollectionCreated() if version == version_at(event.created_at):  # and was not renamed since
            event_id = f"{event.subject()}.created"
        case _:
            event_id = str(uuid.uuid5(_NAMESPACE, f"{event.type_} {event.subject()} {version}"))
    return Envelope.of(event, entityversion=version, id=event_id, time=time)


def post_event(post: Post) -> Event:
    """The whole state of a post."""
    whole = {
        "post_id": post.id,
        "author_id": post.author_id,
        "caption": post.caption,
        "hashtags": post.hashtags,
        "mentions": post.mentions,
        "place": post.place,
        "entities": post.entities,
        "created_at": post.created_at,
    }
    photos = {"photo_ids": post.photo_ids, "alt_texts": tuple(post.alt_texts.get(id_) for id_ in post.photo_ids)}
    at = _EPOCH + timedelta(microseconds=post.version)
    if post.deleted:
        return PostDeleted(post_id=post.id, author_id=post.author_id, photo_ids=post.photo_ids, deleted_at=at)
    if post.status is PostStatus.FAILED and post.reason:
        failure = {"photo_id": post.photo_ids[0], "reason": post.reason, "failed_at": at, "edited_at": post.edited_at}
        return PostFailed.model_validate({**whole, **photos, **failure})
    if post.edited_at:
        outcome = {"edited_at": post.edited_at, "published_at": post.published_at, "photos": post.photos}
        return PostEdited.model_validate({**whole, **photos, **outcome})
    if post.published_at:
        return PostPublished.model_validate({**whole, "photos": post.photos, "published_at": post.published_at})
    return PostCreated.model_validate({**whole, **photos})


def comment_event(
    comment: Comment, entry: ThreadEntry | None, post: Post, parent: Comment | None, version: int
) -> Event:
    """The state of a comment, or its end. Who deleted it, the tables do not say: its author is named."""
    placed = {
        "post_id": post.id,
        "post_author_id": post.author_id,
        "account_id": comment.author_id,
        "comment_id": comment.id,
        "parent_id": comment.parent_id,
    }
    if comment.deleted or entry is None:
        at = _EPOCH + timedelta(microseconds=version)
        return CommentDeleted.model_validate({**placed, "deleted_by": comment.author_id, "deleted_at": at})
    text = {"text": entry.text, "entities": entry.entities, "mentions": usernames_of(entry.entities)}
    origin = {"parent_author_id": parent.author_id if parent else None, "created_at": ids.timestamp_of(comment.id)}
    return CommentCreated.model_validate({**placed, **text, **origin})


def like_event(account_id: int, post: Post, comment: Comment | None, version: int, *, liked: bool) -> Event:
    """An account's like of a post or a comment, or its end."""
    at = _EPOCH + timedelta(microseconds=version)
    name = "liked_at" if liked else "unliked_at"
    common = {"post_id": post.id, "post_author_id": post.author_id, "account_id": account_id, name: at}
    if comment is None:
        return (PostLiked if liked else PostUnliked).model_validate(common)
    target = {"comment_id": comment.id, "comment_author_id": comment.author_id}
    return (CommentLiked if liked else CommentUnliked).model_validate({**common, **target})


def list_event(list_id: int, owner_id: int | None, post_id: int, version: int, *, kept: bool) -> Event:
    """A post in an account's list of all that it saved, or in the collection of an owner; or its removal."""
    at = _EPOCH + timedelta(microseconds=version)
    if owner_id is None:
        if kept:
            return PostSaved(account_id=list_id, post_id=post_id, saved_at=at)
        return PostUnsaved(account_id=list_id, post_id=post_id, unsaved_at=at)
    if kept:
        return CollectionPostAdded(account_id=owner_id, collection_id=list_id, post_id=post_id, added_at=at)
    return CollectionPostRemoved(account_id=owner_id, collection_id=list_id, post_id=post_id, removed_at=at)


def collection_event(account_id: int, collection_id: int, name: str | None, version: int) -> Event:
    """A collection with its name, or its end if it has none."""
    if name:
        created_at = ids.timestamp_of(collection_id)
        return CollectionCreated(account_id=account_id, collection_id=collection_id, name=name, created_at=created_at)
    at = _EPOCH + timedelta(microseconds=version)
    return CollectionDeleted(account_id=account_id, collection_id=collection_id, deleted_at=at)
