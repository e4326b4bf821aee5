"""Applies the events of the topics to tables in memory, by the projections that the consumers use."""

from __future__ import annotations

from typing import cast

from photomesh_post.accounts import projection as accounts
from photomesh_post.comments import projection as comments
from photomesh_post.likes.domain import LikeEvent, newest_likes
from photomesh_post.photos import projection as photos
from photomesh_post.posts import projection as posts
from photomesh_post.rebuilding.memory import MemorySaves, MemoryTables
from photomesh_post.saves.event_log import SaveEvent, SaveEventLog
from photomesh_post.tables.rows import RowWrite, month_of
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Envelope,
    Event,
    PostLiked,
    PostUnliked,
)
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["TOPICS_OF_POST", "Replay"]

TOPICS_OF_POST = (
    "accounts",
    "follows",
    "photos_uploaded",
    "photo_ready",
    "photo_rejected",
    "photo_failed",
    "posts",
    "engagement",
    "saves",
)


class Replay:
    def __init__(self, clock: Clock) -> None:
        self.tables = MemoryTables()
        nobody = cast(Publisher, None)  # `apply` publishes nothing
        self._saves = SaveEventLog(MemorySaves(self.tables), nobody, clock)

    async def apply(self, envelope: Envelope[Event]) -> None:
        """Apply an event; one that post does not keep changes nothing."""
        match envelope.data:
            case PostLiked() | PostUnliked() | CommentLiked() | CommentUnliked():
                self.tables.write(_like_rows(cast("Envelope[LikeEvent]", envelope)))
            case CommentCreated() | CommentDeleted():
                self.tables.write(comments.rows_of(cast("Envelope[comments.CommentEvent]", envelope)))
            case event if isinstance(event, accounts.AccountEvent):
                self.tables.write(accounts.rows_of(cast("Envelope[accounts.AccountEvent]", envelope)))
            case event if isinstance(event, photos.PhotoEvent):
                self.tables.write(photos.rows_of(cast("Envelope[photos.PhotoEvent]", envelope)))
            case event if isinstance(event, posts.PostEvent):
                self.tables.write(posts.rows_of(cast("Envelope[posts.PostEvent]", envelope)))
            case event if isinstance(event, SaveEvent):
                await self._saves.apply(cast("Envelope[SaveEvent]", envelope))


def _like_rows(envelope: Envelope[LikeEvent]) -> list[RowWrite]:
    return [
        RowWrite(table, key, like.version, {"liked": like.liked, "version": like.version})
        for ref, likes in newest_likes([envelope]).items()
        for account_id, like in likes.items()
        for table, key in (
            ("likes", {"subject_id": ref.subject_id, "bucket": ref.number, "account_id": account_id}),
            (
                "likes_by_account",
                {"subject_id": ref.subject_id, "month": month_of(ref.subject_id), "account_id": account_id},
            ),
        )
    ]
