"""Models of requests and responses: the list, unread, and the seen marker."""

from __future__ import annotations

from pydantic import BaseModel, Field

from photomesh_notification.inbox import domain
from photomesh_shared import events
from photomesh_shared.events import UtcTime
from photomesh_shared.http import Page
from photomesh_shared.http.schemas import RequestBody, ShownAccount, Url, examples
from photomesh_shared.ids import CommentId, PhotoId, PostId, StoryId, UserId, WebhookId
from photomesh_shared.internal_api.post import SeenComment, SeenPhoto, SeenPost

__all__ = ["Notification", "NotificationPage", "SeenMarker", "SeenUntil", "UnreadCount"]

_PHOTO_URL = "http://127.0.0.1:18080/variants/p_8aB3x9Q2/Zk3vQ0m1fR7eT2yU/150.jpg"
_NOTIFICATION = {
    "id": "like.o_9xQ4w2Lr.0",
    "kind": "like",
    "new": True,
    "count": 16,
    "capped": False,
    "accounts": [
        {
            "id": "u_8gL3n2Au",
            "username": "grace",
            "display_name": "Grace Hopper",
            "avatar_url": None,
            "followed": True,
        }
    ],
    "post": {"id": "o_9xQ4w2Lr", "author_id": "u_7fK2m1Zt", "photo_url": _PHOTO_URL, "reason": None},
    "comment": None,
    "photo": None,
    "webhook": None,
    "story": None,
    "first_at": "2026-11-21T10:12:00Z",
    "changed_at": "2026-11-21T10:58:30Z",
}

_OF_WEBHOOK = _NOTIFICATION | {
    "id": "webhook_failing.wh_4bQ8x2Ms",
    "kind": "webhook_failing",
    "count": 1,
    "accounts": [],
    "post": None,
    "webhook": {"id": "wh_4bQ8x2Ms"},
    "first_at": "2026-11-21T10:58:30Z",
}


class FailureReason(BaseModel):
    """Why a photo or a post of your own failed."""

    code: str = Field(description="More may be added: treat an unknown code as its message says.")
    message: str = Field(description="What happened, as a sentence for the owner.")
    fix: str = Field(description="What the owner can do, as a sentence.")
    retryable: bool = Field(description="Whether the same photo may succeed when it is uploaded again.")

    @classmethod
    def of(cls, reason: events.Reason | None) -> FailureReason | None:
        return cls(**reason.model_dump()) if reason else None


class NotificationPost(BaseModel):
    """The post that a notification is about."""

    id: PostId
    author_id: UserId
    photo_url: Url | None = Field(description="Its first photo, 150 pixels; null unless it is published.")
    reason: FailureReason | None = Field(description="Why your post failed.")

    @classmethod
    def of(cls, seen: SeenPost | None) -> NotificationPost | None:
        if seen is None:
            return None
        reason = FailureReason.of(seen.reason)
        return cls(id=seen.id, author_id=seen.author_id, photo_url=seen.photo_url, reason=reason)


class NotificationComment(BaseModel):
    """The comment that a notification is about: that which was written, or yours that is liked."""

    id: CommentId
    post_id: PostId
    author_id: UserId
    excerpt: str = Field(description="The beginning of its text, at most 140 code points.")

    @classmethod
    def of(cls, seen: SeenComment | None) -> NotificationComment | None:
        if seen is None:
            return None
        return cls(id=seen.id, post_id=seen.post_id, author_id=seen.author_id, excerpt=seen.excerpt)


class NotificationPhoto(BaseModel):
    """Your photo that a notification is about."""

    id: PhotoId
    photo_url: Url | None = Field(description="150 pixels; null unless it is ready.")
    reason: FailureReason | None = Field(description="Why it was rejected or failed.")

    @classmethod
    def of(cls, seen: SeenPhoto | None) -> NotificationPhoto | None:
        return cls(id=seen.id, photo_url=seen.photo_url, reason=FailureReason.of(seen.reason)) if seen else None


class NotificationWebhook(BaseModel):
    """Your webhook that a notification is about: it has failed for hours, or was disabled because of that."""

    id: WebhookId = Field(description="`GET /v1/webhooks/{webhook_id}` says how it is.")


class NotificationStory(BaseModel):
    """Your story that a notification is about. It may be over."""

    id: StoryId = Field(description="`GET /v1/stories/{story_id}/replies` has what was replied.")


class Notification(BaseModel):
    """What you hear of: something that one or more accounts did, or what became of your own photo, post or webhook."""

    model_config = examples(_NOTIFICATION, _OF_WEBHOOK)

    id: str = Field(description="The same as long as the notification exists, also while accounts come and go.")
    kind: str = Field(
        description="`like`, `comment_like`, `comment`, `reply`, `mention`, `follow`, `follow_request`, "
        "`follow_accepted`, `photo_rejected`, `photo_failed`, `post_published`, `post_failed`, `webhook_failing` or "
        "`story_reply`. More may be added: show an unknown one as plain as you can, or leave it out."
    )
    new: bool = Field(description="Whether it changed since you last marked your notifications as seen.")
    count: int = Field(
        description="How many accounts have part in it, with those in `accounts`. Of likes that are not counted one by "
        "one any more: how many the post or comment has."
    )
    capped: bool = Field(description="Whether there are more than `count`.")
    accounts: list[ShownAccount] = Field(
        description="Some of them, four at most: those that you follow first, then the newest. Empty for your own "
        "photo, post or webhook."
    )
    post: NotificationPost | None
    comment: NotificationComment | None
    photo: NotificationPhoto | None
    webhook: NotificationWebhook | None
    story: NotificationStory | None
    first_at: UtcTime = Field(description="When the first of the accounts did it.")
    changed_at: UtcTime = Field(description="When the latest of them did it.")

    @classmethod
    def of(cls, seen: domain.Notification) -> Notification:
        group = seen.group
        return cls(
            id=group.id,
            kind=group.kind,
            new=seen.new,
            count=seen.count,
            capped=seen.capped,
            accounts=[ShownAccount.of(account) for account in seen.accounts],
            post=NotificationPost.of(seen.post),
            comment=NotificationComment.of(seen.comment),
            photo=NotificationPhoto.of(seen.photo),
            webhook=NotificationWebhook(id=group.webhook_id) if group.webhook_id is not None else None,
            story=NotificationStory(id=group.story_id) if group.story_id is not None else None,
            first_at=group.first_at,
            changed_at=group.changed_at,
        )


class NotificationPage(Page[Notification]):
    """One page of your notifications; `next_cursor` is null on the last."""

    model_config = examples({"items": [_NOTIFICATION], "next_cursor": None, "as_of": "2026-11-21T11:00:00Z"})

    as_of: UtcTime = Field(
        description="When the first page was read. Send it as `seen_at` once the notifications were looked at."
    )


class UnreadCount(BaseModel):
    """How many notifications changed since you last marked them as seen."""

    model_config = examples({"count": 3, "more": False})

    count: int = Field(ge=0, le=domain.MAX_UNREAD)
    more: bool = Field(description="Whether there are more than `count`: show it as 99+.")


class SeenUntil(RequestBody):
    """Until when you have seen your notifications."""

    model_config = examples({"seen_at": "2026-11-21T11:00:00Z"})

    seen_at: UtcTime | None = Field(None, description="Default, and latest: now.")


class SeenMarker(BaseModel):
    """Until when you have seen your notifications."""

    model_config = examples({"seen_at": "2026-11-21T11:00:00Z"})

    seen_at: UtcTime
