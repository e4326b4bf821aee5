"""Events of stories: photos that can be seen for a day, who saw them, and what was replied to their authors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.events.photos import PhotoReady, Variant
from photomesh_shared.ids import PhotoId, StoryId, UserId
from photomesh_shared.personal import ACTIVITY, CONTENT, NOT_PERSONAL, PREFERENCE

__all__ = [
    "StoryDeleted",
    "StoryExpired",
    "StoryPublished",
    "StoryReplyCreated",
    "StoryReplyDeleted",
    "StoryViewed",
]

_STORY, _ADA, _GRACE = 382_764_231_807_565_824, 382_764_105_932_316_672, 382_764_211_093_504_000
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 11, 5, tzinfo=UTC)
_END = datetime(2026, 11, 22, 10, 20, tzinfo=UTC)


class _Story(Event):
    topic: ClassVar[str] = "stories"

    story_id: StoryId
    author_id: UserId

    def record_key(self) -> str:
        return ids.encode("st", self.story_id)

    def partition_key(self) -> str:
        return ids.encode("u", self.author_id)

    def subject(self) -> str:
        return ids.encode("st", self.story_id)


class StoryPublished(_Story):
    """An account published a photo as a story. It can be seen until it expires, and nobody may show it later."""

    type_: ClassVar[str] = "photomesh.story.published.v1"

    photo_id: PhotoId
    audience: Annotated[str, PREFERENCE] = Field(
        description="Who sees it: `followers` or `close_friends`. More may be added: treat an unknown one as nobody.",
        examples=["followers"],
    )
    alt_text: Annotated[str | None, CONTENT] = None
    width: Annotated[int, NOT_PERSONAL]
    height: Annotated[int, NOT_PERSONAL]
    placeholder: Annotated[str, CONTENT] = Field(description="A ThumbHash, in base64.")
    variants: tuple[Variant, ...] = Field(description="Public until the story expires.")
    published_at: Annotated[UtcTime, ACTIVITY]
    expires_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> StoryPublished:
        photo = PhotoReady.example()
        return cls(
            story_id=_STORY,
            author_id=_ADA,
            photo_id=photo.photo_id,
            audience="followers",
            alt_text="A lake at dusk, mountains behind it.",
            width=photo.width,
            height=photo.height,
            placeholder=photo.placeholder,
            variants=photo.variants,
            published_at=_AT,
            expires_at=_END,
        )


class StoryDeleted(_Story):
    """Its author deleted a story before it expired, or the account was erased."""

    type_: ClassVar[str] = "photomesh.story.deleted.v1"

    audience: Annotated[str, PREFERENCE] = Field(description="As it was published.", examples=["followers"])
    expires_at: Annotated[UtcTime, ACTIVITY] = Field(description="When it would have expired.")
    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> StoryDeleted:
        return cls(story_id=_STORY, author_id=_ADA, audience="followers", expires_at=_END, deleted_at=_LATER)


class StoryExpired(_Story):
    """The time of a story is over, and its public sizes were removed. Nobody could see it since `expires_at`."""

    type_: ClassVar[str] = "photomesh.story.expired.v1"

    expires_at: Annotated[UtcTime, ACTIVITY]
    views: Annotated[int, ACTIVITY] = Field(description="How many accounts saw it.")

    @classmethod
    def example(cls) -> StoryExpired:
        return cls(story_id=_STORY, author_id=_ADA, expires_at=_END, views=41)


class StoryViewed(Event):
    """An account saw a story of another one. May be published although it had seen it."""

    type_: ClassVar[str] = "photomesh.story.viewed.v1"
    topic: ClassVar[str] = "story_views"

    story_id: StoryId
    author_id: UserId
    viewer_id: UserId
    expires_at: Annotated[UtcTime, NOT_PERSONAL] = Field(description="When the story expires.")
    viewed_at: Annotated[UtcTime, ACTIVITY]

    def record_key(self) -> str:
        return f"{ids.encode('st', self.story_id)}:{ids.encode('u', self.viewer_id)}"

    def partition_key(self) -> str:
        return ids.encode("u", self.viewer_id)

    def subject(self) -> str:
        return f"{ids.encode('st', self.story_id)}.{ids.encode('u', self.viewer_id)}.viewed"

    @classmethod
    def example(cls) -> StoryViewed:
        return cls(story_id=_STORY, author_id=_ADA, viewer_id=_GRACE, expires_at=_END, viewed_at=_LATER)


class _StoryReply(Event):
    topic: ClassVar[str] = "story_replies"

    story_id: StoryId
    author_id: UserId = Field(description="The author of the story.")
    account_id: UserId = Field(description="Who replied.")
    replied_at: Annotated[UtcTime, ACTIVITY]

    def record_key(self) -> str:
        return f"{ids.encode('st', self.story_id)}:{ids.encode('u', self.account_id)}"

    def partition_key(self) -> str:
        return ids.encode("u", self.account_id)

    def subject(self) -> str:
        return f"{ids.encode('st', self.story_id)}.{ids.encode('u', self.account_id)}"


class StoryReplyCreated(_StoryReply):
    """An account replied to a story. Its author and that account alone may read it."""

    type_: ClassVar[str] = "photomesh.story-reply.created.v1"

    text: Annotated[str, CONTENT]

    @classmethod
    def example(cls) -> StoryReplyCreated:
        return cls(story_id=_STORY, author_id=_ADA, account_id=_GRACE, replied_at=_LATER, text="What a light!")


class StoryReplyDeleted(_StoryReply):
    """A reply was deleted, by its writer or by the story's author. Not published for replies that end with their
    story."""

    type_: ClassVar[str] = "photomesh.story-reply.deleted.v1"

    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> StoryReplyDeleted:
        return cls(story_id=_STORY, author_id=_ADA, account_id=_GRACE, replied_at=_LATER, deleted_at=_LATER)
