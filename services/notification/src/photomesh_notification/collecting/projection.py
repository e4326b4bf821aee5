"""What an event means to whom. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from photomesh_notification.groups.domain import Kind, Subject
from photomesh_shared.events import (
    BlockCreated,
    BlockDeleted,
    CommentCreated,
    CommentLiked,
    CommentUnliked,
    Envelope,
    Event,
    FollowCreated,
    FollowDeleted,
    FollowRequestClosed,
    FollowRequested,
    MuteCreated,
    MuteDeleted,
    PhotoFailed,
    PhotoRejected,
    PostEdited,
    PostFailed,
    PostLiked,
    PostPublished,
    PostUnliked,
    StoryReplyCreated,
    StoryReplyDeleted,
    TextEntities,
    WebhookDeleted,
    WebhookStateChanged,
)

__all__ = ["Change", "Heard", "Related", "heard_of", "related_by"]


class Change(NamedTuple):
    """What an actor's part in something is since a version."""

    actor_id: int
    version: int
    at: datetime
    on: bool


class Heard(NamedTuple):
    """A change that a recipient may hear of."""

    recipient_id: int
    subject: Subject
    change: Change


class Related(NamedTuple):
    """What the recipient and another account are to each other since a version."""

    recipient_id: int
    relation: str
    other_id: int
    version: int
    on: bool


def heard_of(envelope: Envelope[Event]) -> Iterator[Heard]:
    """Who hears what of an event. Nobody hears of what it did itself."""
    version = envelope.entityversion
    match envelope.data:
        case PostLiked() | PostUnliked() as like:
            at = like.liked_at if isinstance(like, PostLiked) else like.unliked_at
            change = Change(like.account_id, version, at, isinstance(like, PostLiked))
            yield from _by_another(like.post_author_id, Subject(Kind.LIKE, post_id=like.post_id), change)
        case CommentLiked() | CommentUnliked() as like:
            at = like.liked_at if isinstance(like, CommentLiked) else like.unliked_at
            change = Change(like.account_id, version, at, isinstance(like, CommentLiked))
            subject = Subject(
                Kind.COMMENT_LIKE, post_id=like.post_id, comment_id=like.comment_id, thread_id=like.comment_id
            )
            yield from _by_another(like.comment_author_id, subject, change)
        case CommentCreated() as comment:
            yield from _of_comment(comment, version)
        case FollowCreated() as follow:
            change = Change(follow.follower_id, version, follow.created_at, on=True)
            yield Heard(follow.followee_id, Subject(Kind.FOLLOW), change)
            yield Heard(follow.followee_id, Subject(Kind.FOLLOW_REQUEST), _off(change))
            if follow.approved:
                accepted = Change(follow.followee_id, version, follow.created_at, on=True)
                yield Heard(follow.follower_id, Subject(Kind.FOLLOW_ACCEPTED), accepted)
        case FollowDeleted() as follow:
            change = Change(follow.follower_id, version, follow.deleted_at, on=False)
            yield Heard(follow.followee_id, Subject(Kind.FOLLOW), change)
            yield Heard(follow.followee_id, Subject(Kind.FOLLOW_REQUEST), change)
            accepted = Change(follow.followee_id, version, follow.deleted_at, on=False)
            yield Heard(follow.follower_id, Subject(Kind.FOLLOW_ACCEPTED), accepted)
        case FollowRequested() | FollowRequestClosed() as request:
            at = request.requested_at if isinstance(request, FollowRequested) else request.closed_at
            change = Change(request.follower_id, version, at, isinstance(request, FollowRequested))
            yield Heard(request.followee_id, Subject(Kind.FOLLOW_REQUEST), change)
        case PostPublished() as post:
            yield from _of_post(post, post.published_at, version)
        case PostEdited(published_at=published_at) as post if published_at is not None:
            yield from _of_post(post, published_at, version)
        case PostFailed() as failed:
            subject = Subject(Kind.POST_FAILED, post_id=failed.post_id)
            yield Heard(failed.author_id, subject, Change(failed.author_id, version, failed.failed_at, on=True))
        case PhotoRejected() | PhotoFailed() as photo:
            kind, at = (
                (Kind.PHOTO_REJECTED, photo.rejected_at)
                if isinstance(photo, PhotoRejected)
                else (Kind.PHOTO_FAILED, photo.failed_at)
            )
            subject = Subject(kind, photo_id=photo.photo_id)
            yield Heard(photo.owner_id, subject, Change(photo.owner_id, version, at, on=True))
        case WebhookStateChanged() | WebhookDeleted() as webhook:
            on = isinstance(webhook, WebhookStateChanged) and _is_failing(webhook)
            at = webhook.changed_at if isinstance(webhook, WebhookStateChanged) else webhook.deleted_at
            subject = Subject(Kind.WEBHOOK_FAILING, webhook_id=webhook.webhook_id)
            yield Heard(webhook.account_id, subject, Change(webhook.account_id, version, at, on))
        case StoryReplyCreated() | StoryReplyDeleted() as reply:
            change = Change(reply.account_id, version, reply.replied_at, isinstance(reply, StoryReplyCreated))
            yield from _by_another(reply.author_id, Subject(Kind.STORY_REPLY, story_id=reply.story_id), change)


def related_by(envelope: Envelope[Event]) -> Iterator[Related]:
    """Whose part in whose notifications an event hides or shows."""
    version = envelope.entityversion
    match envelope.data:
        case BlockCreated() | BlockDeleted() as block:
            on = isinstance(block, BlockCreated)
            yield Related(block.blocker_id, "block", block.blocked_id, version, on)
            yield Related(block.blocked_id, "blocked_by", block.blocker_id, version, on)
        case MuteCreated() | MuteDeleted() as mute:
            yield Related(mute.muter_id, "mute", mute.muted_id, version, isinstance(mute, MuteCreated))


def _of_comment(comment: CommentCreated, version: int) -> Iterator[Heard]:
    """A comment is one notification to each account: a reply before a mention, and a mention before a comment."""
    kinds = {comment.post_author_id: Kind.COMMENT}
    kinds |= dict.fromkeys(_mentioned(comment.entities), Kind.MENTION)
    if comment.parent_author_id is not None:
        kinds[comment.parent_author_id] = Kind.REPLY
    change = Change(comment.account_id, version, comment.created_at, on=True)
    for recipient_id, kind in kinds.items():
        thread_id = comment.comment_id if comment.parent_id is None else comment.parent_id
        subject = Subject(kind, post_id=comment.post_id, comment_id=comment.comment_id, thread_id=thread_id)
        yield from _by_another(recipient_id, subject, change)


def _of_post(post: PostPublished | PostEdited, published_at: datetime, version: int) -> Iterator[Heard]:
    """An edit keeps the time of the publication: it moves nothing to the top again."""
    change = Change(post.author_id, version, published_at, on=True)
    yield Heard(post.author_id, Subject(Kind.POST_PUBLISHED, post_id=post.post_id), change)
    for account_id in _mentioned(post.entities):
        yield from _by_another(account_id, Subject(Kind.MENTION, post_id=post.post_id), change)


def _is_failing(webhook: WebhookStateChanged) -> bool:
    """Whether the owner should look at it. What the owner did is no news, nor that the account or a role ended."""
    if webhook.state == "enabled":
        return webhook.failing_hours > 0
    return webhook.disabled_reason in ("failing", "gone")


def _mentioned(entities: TextEntities | None) -> list[int]:
    found = (mention.account_id for mention in (entities.mentions if entities else ()))
    return list(dict.fromkeys(account_id for account_id in found if account_id is not None))


def _by_another(recipient_id: int, subject: Subject, change: Change) -> Iterator[Heard]:
    if recipient_id != change.actor_id:
        yield Heard(recipient_id, subject, change)


def _off(change: Change) -> Change:
    return Change(change.actor_id, change.version, change.at, on=False)
