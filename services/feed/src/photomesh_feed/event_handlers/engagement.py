"""Events of likes, comments and saves: what a reader likes and saved, and the affinity to authors."""

from __future__ import annotations

from typing import Protocol

from photomesh_feed.domain import affinity
from photomesh_feed.domain.engagement import Engagement
from photomesh_shared.events import (
    CommentCreated,
    CommentDeleted,
    Envelope,
    PostLiked,
    PostSaved,
    PostUnliked,
    PostUnsaved,
)

__all__ = ["EngagementEventHandlers", "EngagementStore"]


class EngagementStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def apply_engagement(self, engagement: Engagement) -> None: ...


class EngagementEventHandlers:
    def __init__(self, store: EngagementStore) -> None:
        self._store = store

    async def like_changed(self, envelope: Envelope[PostLiked | PostUnliked]) -> None:
        like = envelope.data
        await self._store.apply_engagement(
            Engagement(
                "like",
                like.account_id,
                like.post_id,
                envelope.entityversion,
                active=isinstance(like, PostLiked),
                author_id=_other_author(like.post_author_id, like.account_id),
                points=affinity.points(affinity.LIKE, like.post_id),
            )
        )

    async def comment_changed(self, envelope: Envelope[CommentCreated | CommentDeleted]) -> None:
        comment = envelope.data
        await self._store.apply_engagement(
            Engagement(
                "comment",
                comment.account_id,
                comment.comment_id,
                envelope.entityversion,
                active=isinstance(comment, CommentCreated),
                author_id=_other_author(comment.post_author_id, comment.account_id),
                points=affinity.points(affinity.COMMENT, comment.post_id),
            )
        )

    async def save_changed(self, envelope: Envelope[PostSaved | PostUnsaved]) -> None:
        """Does not count towards affinity, because the event lacks the post's author."""
        save = envelope.data
        await self._store.apply_engagement(
            Engagement(
                "save",
                save.account_id,
                save.post_id,
                envelope.entityversion,
                active=isinstance(save, PostSaved),
            )
        )


def _other_author(author_id: int, account_id: int) -> int | None:
    """One's own posts do not count."""
    return author_id if author_id != account_id else None
