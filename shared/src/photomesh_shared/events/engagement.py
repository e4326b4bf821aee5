"""Events of likes and comments: the log from which every count and list of them can be built again.

All events about one post have its id as their key, those about its comments too, so a post's counts have one writer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar

from pydantic import Field

from photomesh_shared import ids
from photomesh_shared.events.envelope import Event, UtcTime
from photomesh_shared.ids import CommentId, PostId, UserId

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
    account_id: UserId = Field(description="Who did it.")

    def partition_key(self) -> str:
        return ids.encode("o", self.post_id)


class _PostLike(_Engagement):
    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.{ids.encode('u', self.account_id)}"


class PostLiked(_PostLike):
    """Somebody likes a post. May come although they liked it already."""

    type_: ClassVar[str] = "photomesh.post.liked.v1"

    liked_at: UtcTime

    @classmethod
    def example(cls) -> PostLiked:
        return cls(post_id=_POST, post_author_id=_ADA, account_id=_GRACE, liked_at=_AT)


class PostUnliked(_PostLike):
    """Somebody no longer likes a post. May come although they never did."""

    type_: ClassVar[str] = "photomesh.post.unliked.v1"

    unliked_at: UtcTime

    @classmethod
    def example(cls) -> PostUnliked:
        return cls(post_id=_POST, post_author_id=_ADA, account_id=_GRACE, unliked_at=_LATER)


class _Comment(_Engagement):
    comment_id: CommentId
    parent_id: CommentId | None = Field(description="The comment that this one replies to.")

    def subject(self) -> str:
        return ids.encode("c", self.comment_id)


class CommentCreated(_Comment):
    """Somebody commented on a post, or replied to a comment on it."""

    type_: ClassVar[str] = "photomesh.comment.created.v1"

    parent_author_id: UserId | None = Field(description="Who wrote the comment that this one replies to.")
    text: str
    mentions: tuple[str, ...] = Field(description="Usernames from the text, without @, each once.")
    created_at: UtcTime

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
            created_at=_AT,
        )


class CommentDeleted(_Comment):
    """A comment is gone, and with it its replies; whoever keeps copies deletes them."""

    type_: ClassVar[str] = "photomesh.comment.deleted.v1"

    account_id: UserId = Field(description="Who wrote the comment.")
    deleted_by: UserId = Field(description="Its author, or that of the post.")
    deleted_at: UtcTime

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

    def subject(self) -> str:
        return f"{ids.encode('c', self.comment_id)}.{ids.encode('u', self.account_id)}"


class CommentLiked(_CommentLike):
    """Somebody likes a comment. May come although they liked it already."""

    type_: ClassVar[str] = "photomesh.comment.liked.v1"

    liked_at: UtcTime

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
    """Somebody no longer likes a comment. May come although they never did."""

    type_: ClassVar[str] = "photomesh.comment.unliked.v1"

    unliked_at: UtcTime

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
    """How much engagement a post has: whole numbers, not differences, so the latest is all that counts. Many likes
    within a moment make one event. `entityversion` counts a post's countings, apart from its other events."""

    type_: ClassVar[str] = "photomesh.post.counted.v1"
    topic: ClassVar[str] = "engagement_counts"

    post_id: PostId
    post_author_id: UserId
    likes: int
    comments: int = Field(description="With replies.")
    counted_at: UtcTime

    def partition_key(self) -> str:
        return ids.encode("o", self.post_id)

    def subject(self) -> str:
        return f"{ids.encode('o', self.post_id)}.counts"

    @classmethod
    def example(cls) -> PostCounted:
        return cls(post_id=_POST, post_author_id=_ADA, likes=16, comments=2, counted_at=_LATER)
