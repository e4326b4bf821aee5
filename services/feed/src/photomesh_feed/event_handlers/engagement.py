"""Events of likes, comments and saves: what a reader likes and saved, and the affinity to authors."""

from __future__ import annotations

from typing import Literal, Protocol

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
        await self._apply(
            "like",
            envelope,
            like.post_id,
            active=isinstance(like, PostLiked),
            weight=affinity.LIKE,
        )

    async def comment_changed(self, envelope: Envelope[CommentCreated | CommentDeleted]) -> None:
        comment = envelope.data
        await self._apply(
            "comment",
            envelope,
            comment.comment_id,
            active=isinstance(comment, CommentCreated),
            weight=affinity.COMMENT,
        )

    async def save_changed(self, envelope: Envelope[PostSaved | PostUnsaved]) -> None:
        """Does not count towards affinity, because the event lacks the post's author."""
        save, version = envelope.data, envelope.entityversion
        active = isinstance(save, PostSaved)
        await self._store.apply_engagement(
            Engagement("save", save.account_id, save.post_id, version, active=active, at=envelope.time)
        )

    async def _apply(
        self,
        kind: Literal["like", "comment"],
        envelope: Envelope[PostLiked | PostUnliked] | Envelope[CommentCreated | CommentDeleted],
        subject_id: int,
        *,
        active: bool,
        weight: float,
    ) -> None:
        event = envelope.data
        is_own_post = event.post_author_id == event.account_id  # which does not count towards affinity
        await self._store.apply_engagement(
            Engagement(
                kind,
                event.account_id,
                subject_id,
                envelope.entityversion,
                active=active,
                at=envelope.time,
                author_id=None if is_own_post else event.post_author_id,
                points=affinity.points(weight, event.post_id),
            )
        )
