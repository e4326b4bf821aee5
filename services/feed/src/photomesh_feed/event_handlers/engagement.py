"""Events of likes, comments and saves: what a reader likes and saved, and the affinity to authors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
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

EngagementEvent = PostLiked | PostUnliked | CommentCreated | CommentDeleted | PostSaved | PostUnsaved

__all__ = ["EngagementEventHandlers", "EngagementStore"]


class EngagementStore(Protocol):
    """See `store.writer.FeedWriter`."""

    async def apply_engagement(self, engagement: Engagement) -> None: ...


class EngagementEventHandlers:
    def __init__(self, store: EngagementStore) -> None:
        self._store = store

    async def engagement_changed(self, envelopes: Sequence[Envelope[EngagementEvent]]) -> None:
        """Applies events of one owner, in order. Idempotent. Raises FeedsUnavailable."""
        # The store makes few calls of them; events of one account and subject reach it in order.
        await asyncio.gather(*(self._store.apply_engagement(_engagement_of(envelope)) for envelope in envelopes))


def _engagement_of(envelope: Envelope[EngagementEvent]) -> Engagement:
    event = envelope.data
    version, active = envelope.entityversion, isinstance(event, PostLiked | CommentCreated | PostSaved)
    if isinstance(event, PostSaved | PostUnsaved):
        # Does not count towards affinity, because the event lacks the post's author.
        return Engagement("save", event.account_id, event.post_id, version, active=active, at=envelope.time)
    is_like = isinstance(event, PostLiked | PostUnliked)
    is_own_post = event.post_author_id == event.account_id  # which does not count towards affinity
    return Engagement(
        "like" if is_like else "comment",
        event.account_id,
        event.post_id if isinstance(event, PostLiked | PostUnliked) else event.comment_id,
        version,
        active=active,
        at=envelope.time,
        author_id=None if is_own_post else event.post_author_id,
        points=affinity.points(affinity.LIKE if is_like else affinity.COMMENT, event.post_id),
    )
