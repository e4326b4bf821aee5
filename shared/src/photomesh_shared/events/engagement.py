"""Events of likes and comments: the log from which all their counts and lists can be rebuilt.

All events of a post and its comments are in the partition of the post's id, so a post's counts have one writer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.entities import MentionEntity, TextEntities
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import CommentId, PostId, UserId
from photomesh_shared.personal import ACTIVITY, CONTENT, NOT_PERSONAL, RELATION

__all__ = [
    "CommentCreated",
    "CommentDeleted",
    "CommentLiked",
    "CommentUnliked",
    "PostCounted",
    "PostLiked",
    "PostUnliked",
]

_POST, _COMMENT = 382_764_298_916_429_824, 382_764_412_094_709_760
_ADA, _GRACE = 382_764_105_932_316_672, 382_764_211_093_504_000
_AT = datetime(2026, 11, 21, 10, 20, tzinfo=UTC)
_LATER = datetime(2026, 11, 21, 10, 30, tzinfo=UTC)


class _Engagement(Event):
    topic: ClassVar[str] = "engagement"

    post_id: PostId
    post_author_id: UserId
    account_id: UserId = Field(description="The acting account.")

    def partition_key(self) -> str:
        return ids.encode("o", self.post_id)


class _PostLike(_Engagement):
    def record_key(self) -> str:
        return f"{ids.encode('o', self.post_id)}:{ids.encode('u', self.account_id)}"

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.{ids.encode('u', self.account_id)}"


class PostLiked(_PostLike):
    """An account liked a post. May be published although it already liked the post."""

    type_: ClassVar[str] = "photomesh.post.liked.v1"

    liked_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> PostLiked:
        return cls(post_id=_POST, post_author_id=_ADA, account_id=_GRACE, liked_at=_AT)


class PostUnliked(_PostLike):
    """An account unliked a post. May be published although it did not like the post."""

    type_: ClassVar[str] = "photomesh.post.unliked.v1"
    ends: ClassVar[bool] = True

    unliked_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> PostUnliked:
        return cls(post_id=_POST, post_author_id=_ADA, account_id=_GRACE, unliked_at=_LATER)


class _Comment(_Engagement):
    comment_id: CommentId
    parent_id: CommentId | None = Field(description="The comment that this one replies to.")

    def record_key(self) -> str:
        return ids.encode("c", self.comment_id)

    def subject(self) -> str:
        return ids.encode("c", self.comment_id)


class CommentCreated(_Comment):
    """An account commented on a post, or replied to a comment on it."""

    type_: ClassVar[str] = "photomesh.comment.created.v1"

    parent_author_id: UserId | None = Field(description="The author of the comment that this one replies to.")
    text: Annotated[str, CONTENT]
    mentions: Annotated[tuple[str, ...], RELATION] = Field(description="Distinct usernames from the text, without @.")
    entities: TextEntities | None = Field(
        default=None,
        description="Mentions and hashtags of the text with their positions; null if the event is from before they "
        "were kept.",
    )
    created_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CommentCreated:
        return cls(
            post_id=_POST,
            post_author_id=_ADA,
            account_id=_GRACE,
            comment_id=_COMMENT,
            parent_id=None,
            parent_author_id=None,
            text="What a light! @ada",
            mentions=("ada",),
            entities=TextEntities(mentions=(MentionEntity(start=14, end=18, username="ada", account_id=_ADA),)),
            created_at=_AT,
        )


class CommentDeleted(_Comment):
    """A comment and its replies were deleted; consumers must delete their copies."""

    type_: ClassVar[str] = "photomesh.comment.deleted.v1"
    ends: ClassVar[bool] = True

    account_id: UserId = Field(description="The author of the comment.")
    deleted_by: UserId = Field(description="The author of the comment, or of the post.")
    deleted_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CommentDeleted:
        return cls(
            post_id=_POST,
            post_author_id=_ADA,
            account_id=_GRACE,
            comment_id=_COMMENT,
            parent_id=None,
            deleted_by=_ADA,
            deleted_at=_LATER,
        )


class _CommentLike(_Engagement):
    comment_id: CommentId
    comment_author_id: UserId

    def record_key(self) -> str:
        return f"{ids.encode('c', self.comment_id)}:{ids.encode('u', self.account_id)}"

    def subject(self) -> str:
        return f"{ids.encode('c', self.comment_id)}.{ids.encode('u', self.account_id)}"


class CommentLiked(_CommentLike):
    """An account liked a comment. May be published although it already liked the comment."""

    type_: ClassVar[str] = "photomesh.comment.liked.v1"

    liked_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CommentLiked:
        return cls(
            post_id=_POST,
            post_author_id=_ADA,
            account_id=_ADA,
            comment_id=_COMMENT,
            comment_author_id=_GRACE,
            liked_at=_AT,
        )


class CommentUnliked(_CommentLike):
    """An account unliked a comment. May be published although it did not like the comment."""

    type_: ClassVar[str] = "photomesh.comment.unliked.v1"
    ends: ClassVar[bool] = True

    unliked_at: Annotated[UtcTime, ACTIVITY]

    @classmethod
    def example(cls) -> CommentUnliked:
        return cls(
            post_id=_POST,
            post_author_id=_ADA,
            account_id=_ADA,
            comment_id=_COMMENT,
            comment_author_id=_GRACE,
            unliked_at=_LATER,
        )


class PostCounted(Event):
    """The counts of a post's likes and comments were updated: absolute numbers, so the latest event supersedes all
    others. Bursts of likes are coalesced. `entityversion` counts these events separately from the post's other
    events."""

    type_: ClassVar[str] = "photomesh.post.counted.v1"
    topic: ClassVar[str] = "engagement_counts"

    post_id: PostId
    post_author_id: UserId
    likes: Annotated[int, ACTIVITY]
    comments: Annotated[int, ACTIVITY] = Field(description="Including replies.")
    counted_at: Annotated[UtcTime, NOT_PERSONAL]

    def partition_key(self) -> str:
        return ids.encode("o", self.post_id)

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.counts"

    @classmethod
    def example(cls) -> PostCounted:
        return cls(post_id=_POST, post_author_id=_ADA, likes=16, comments=2, counted_at=_LATER)
