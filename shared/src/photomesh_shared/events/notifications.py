"""Events of notifications: the tasks by which they are collected, and the groups that people see.

A task says what became of something that a person may hear of: not what happened, but how it is now, and since which
version. So tasks may be repeated, and the newest state of each actor wins in whatever order they are handled.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, EventModel, UtcTime
from photomesh_shared.ids import CommentId, PhotoId, PostId, StoryId, UserId, WebhookId
from photomesh_shared.personal import ACTIVITY, IDENTIFIER, NOT_PERSONAL, RELATION

__all__ = [
    "NotificationActorEnded",
    "NotificationChange",
    "NotificationCollected",
    "NotificationRelationChanged",
    "NotificationRemoved",
    "NotificationSubjectEnded",
    "NotificationUpdated",
]

_ADA, _GRACE = 382_764_105_932_316_672, 382_764_211_093_504_000
_POST, _COMMENT = 382_764_298_916_429_824, 382_764_412_094_709_760
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_KIND = (
    "`like`, `comment_like`, `follow`, `comment`, `reply`, `mention`, `follow_request`, `follow_accepted`, "
    "`photo_rejected`, `photo_failed`, `post_published`, `post_failed`, `webhook_failing` or `story_reply`. More may "
    "be added: ignore what is unknown."
)


class _Task(Event):
    topic: ClassVar[str] = "notification_tasks"

    recipient_id: UserId = Field(description="The account that hears of it.")

    def partition_key(self) -> str:
        return ids.encode("u", self.recipient_id)


class NotificationChange(EventModel):
    """What an account's part in something is: whether it likes, follows, has commented … and since when."""

    actor_id: UserId
    version: Annotated[int, NOT_PERSONAL] = Field(ge=0, description="The entity version of the event that says so.")
    at: Annotated[UtcTime, ACTIVITY]
    on: Annotated[bool, ACTIVITY] = Field(description="False if it was undone.")


class NotificationCollected(_Task):
    """Changes of one thing that an account hears of: of several by one actor, the newest."""

    type_: ClassVar[str] = "photomesh.notification.collected.v1"

    kind: Annotated[str, NOT_PERSONAL] = Field(description=_KIND, examples=["like"])
    post_id: PostId | None = None
    comment_id: CommentId | None = None
    thread_id: CommentId | None = Field(
        default=None, description="The comment that `comment_id` replies to; itself if it replies to none."
    )
    photo_id: PhotoId | None = None
    webhook_id: WebhookId | None = None
    story_id: StoryId | None = None
    changes: tuple[NotificationChange, ...] = Field(max_length=200)
    truncated: Annotated[bool, NOT_PERSONAL] = Field(
        default=False, description="Whether there were more accounts, who are left out."
    )

    def subject(self) -> str:
        return f"{ids.encode('u', self.recipient_id)}.{self.kind}"

    @classmethod
    def example(cls) -> NotificationCollected:
        change = NotificationChange(actor_id=_GRACE, version=1_795_256_400_000_000, at=_AT, on=True)
        return cls(recipient_id=_ADA, kind="like", post_id=_POST, changes=(change,))


class NotificationRelationChanged(_Task):
    """What the recipient and another account are to each other changed: whose part in notifications is hidden follows
    from it."""

    type_: ClassVar[str] = "photomesh.notification.relation-changed.v1"

    other_id: UserId
    relation: Annotated[str, RELATION] = Field(
        description="`block` and `mute`: by the recipient; `blocked_by`: of the recipient by the other. More may be "
        "added.",
        examples=["block"],
    )
    version: Annotated[int, NOT_PERSONAL] = Field(ge=0, description="The entity version of the event that says so.")
    on: Annotated[bool, RELATION]

    def subject(self) -> str:
        return f"{ids.encode('u', self.recipient_id)}.{self.relation}.{ids.encode('u', self.other_id)}"

    @classmethod
    def example(cls) -> NotificationRelationChanged:
        return cls(recipient_id=_ADA, other_id=_GRACE, relation="block", version=1_795_256_400_000_000, on=True)


class NotificationSubjectEnded(_Task):
    """A post, a comment or a story ended, and with it these groups of the recipient."""

    type_: ClassVar[str] = "photomesh.notification.subject-ended.v1"

    post_id: PostId | None = None
    comment_id: CommentId | None = None
    story_id: StoryId | None = None
    groups: Annotated[tuple[str, ...], IDENTIFIER] = Field(max_length=200)

    def subject(self) -> str:
        return ids.encode("u", self.recipient_id)

    @classmethod
    def example(cls) -> NotificationSubjectEnded:
        return cls(recipient_id=_ADA, post_id=_POST, groups=(f"like.{ids.encode('o', _POST)}.0",))


class NotificationActorEnded(_Task):
    """An account was erased: its part in the recipient's notifications must be deleted."""

    type_: ClassVar[str] = "photomesh.notification.actor-ended.v1"

    actor_id: UserId

    def subject(self) -> str:
        return f"{ids.encode('u', self.recipient_id)}.{ids.encode('u', self.actor_id)}"

    @classmethod
    def example(cls) -> NotificationActorEnded:
        return cls(recipient_id=_ADA, actor_id=_GRACE)


class _Group(Event):
    topic: ClassVar[str] = "notifications"

    recipient_id: UserId = Field(description="The account that hears of it.")
    group_id: Annotated[str, IDENTIFIER] = Field(
        description="Names the group among those of the recipient, in letters, digits, `_` and `.`.",
        examples=["like.o_SLsTuTVKaG.0"],
    )

    def record_key(self) -> str:
        return f"{ids.encode('u', self.recipient_id)}:{self.group_id}"

    def partition_key(self) -> str:
        return ids.encode("u", self.recipient_id)

    def subject(self) -> str:
        return f"{ids.encode('u', self.recipient_id)}.{self.group_id}"


class NotificationUpdated(_Group):
    """An account hears of something: a new group, or one that changed. Carries the whole state; the texts, names and
    photos to show must be asked for as the recipient, who may not see everything that it refers to."""

    type_: ClassVar[str] = "photomesh.notification.updated.v1"

    kind: Annotated[str, NOT_PERSONAL] = Field(description=_KIND, examples=["like"])
    post_id: PostId | None = None
    comment_id: CommentId | None = None
    photo_id: PhotoId | None = None
    webhook_id: WebhookId | None = None
    story_id: StoryId | None = None
    count: Annotated[int, ACTIVITY] = Field(ge=1, description="How many accounts; if `capped`, at least so many.")
    capped: Annotated[bool, NOT_PERSONAL] = Field(
        description="Whether there were so many accounts that they are not counted one by one any more."
    )
    actors: tuple[UserId, ...] = Field(
        max_length=8,
        description="The newest of them, newest first. Empty if nobody else has part in it: the recipient's own photo, "
        "post or webhook.",
    )
    first_at: Annotated[UtcTime, ACTIVITY]
    changed_at: Annotated[UtcTime, ACTIVITY] = Field(description="When the newest of the actors did it.")

    @classmethod
    def example(cls) -> NotificationUpdated:
        return cls(
            recipient_id=_ADA,
            group_id=f"like.{ids.encode('o', _POST)}.0",
            kind="like",
            post_id=_POST,
            count=1,
            capped=False,
            actors=(_GRACE,),
            first_at=_AT,
            changed_at=_AT,
        )


class NotificationRemoved(_Group):
    """Nothing is left of a group: it was undone, deleted, or hidden. It may be there again later."""

    type_: ClassVar[str] = "photomesh.notification.removed.v1"

    @classmethod
    def example(cls) -> NotificationRemoved:
        return cls(recipient_id=_ADA, group_id=f"like.{ids.encode('o', _POST)}.0")
