"""Applies the events of the topics to tables in memory, by the projections that the consumers use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from photomesh_post.accounts import projection as accounts
from photomesh_post.comments import projection as comments
from photomesh_post.counts.domain import PartitionRef
from photomesh_post.likes.domain import Like, LikeEvent, newest_likes
from photomesh_post.photos import projection as photos
from photomesh_post.posts import projection as posts
from photomesh_post.rebuilding.memory import Cells, Key, MemorySaves, MemoryTables
from photomesh_post.saves.event_log import SaveEvent, SaveEventLog
from photomesh_post.saves.projection import key_by_post, removed_rows
from photomesh_post.tables.rows import FINAL, RowWrite, bucket_of, month_of
from photomesh_shared import ids
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    AccountErasureRequested,
    CommentCreated,
    CommentDeleted,
    CommentLiked,
    CommentUnliked,
    Envelope,
    Event,
    PostDeleted,
    PostLiked,
    PostUnliked,
    Record,
    decode_or_skip,
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
    "erasures",
)


_OWNERS = ("account_id", "author_id", "collection_id", "list_id", "other_id", "owner_id", "user_id")
_FACTS = {AccountErasureRequested.type_, CommentDeleted.type_, PostDeleted.type_}
"""The events with which other things end, of which the topics have tombstones alone."""


class Replay:
    def __init__(self, clock: Clock) -> None:
        self.tables = MemoryTables()
        self._erased: set[int] = set()
        nobody = cast(Publisher, None)  # `apply` publishes nothing
        self._saves = SaveEventLog(MemorySaves(self.tables), nobody, clock)

    async def take(self, record: Record) -> None:
        """Apply a record, if it holds an event or ends something."""
        if record.is_tombstone:
            await self.end(record)
        elif envelope := decode_or_skip(record):
            await self.apply(envelope)

    async def apply(self, envelope: Envelope[Event]) -> None:
        """Apply an event; one that post does not keep changes nothing."""
        match envelope.data:
            case AccountErasureRequested() as event:
                self._erased.add(event.user_id)
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

    async def end(self, record: Record) -> None:
        """Apply a tombstone that has no fact of its own. Others follow from their facts."""
        if record.header("ce_endedby") not in _FACTS or record.key is None:
            return
        first, *rest = (_id_in(part) for part in record.key.decode().split(":"))
        if record.topic == "engagement" and rest:
            like = Like(FINAL, liked=False)
            self.tables.write(_rows_of_like(PartitionRef(first, bucket_of(rest[0])), rest[0], like))
        elif record.topic == "engagement":
            if comment := comments.comment_of(self.tables.row("comments", comment_id=first)):
                self.tables.write(comments.deleted_rows(comment))
        elif record.topic == "saves" and rest:
            gone = RowWrite("lists_by_post", key_by_post(first, rest[0]), FINAL, {"deleted": True})
            self.tables.write([*removed_rows(first, rest[0], FINAL), gone])
        elif record.topic == "saves":
            self._erased.add(first)

    def finish(self) -> None:
        """Remove what accounts left that are erased, and lists that are gone with them."""
        photo_ids = {cells["photo_id"] for _, cells in self._rows_of("photos") if cells.get("owner_id") in self._erased}

        def is_gone(table: str, cells: Cells) -> bool:
            return cells.get("photo_id") in photo_ids or any(cells.get(name) in self._erased for name in _OWNERS)

        self.tables.drop(is_gone)

    def _rows_of(self, table: str) -> Iterator[tuple[Key, Cells]]:
        return ((key, self.tables.row(table, **dict(key))) for key, _ in self.tables.rows(table))


def _id_in(part: str) -> int:
    """Return the id in a part of a key, whatever it is of."""
    return ids.decode(part.partition("_")[0], part)


def _like_rows(envelope: Envelope[LikeEvent]) -> list[RowWrite]:
    return [
        row
        for ref, likes in newest_likes([envelope]).items()
        for account_id, like in likes.items()
        for row in _rows_of_like(ref, account_id, like)
    ]


def _rows_of_like(ref: PartitionRef, account_id: int, like: Like) -> list[RowWrite]:
    subject_id, number = ref
    cells = {"liked": like.liked, "version": like.version}
    listed = {"subject_id": subject_id, "month": month_of(subject_id), "account_id": account_id}
    return [
        RowWrite("likes", {"subject_id": subject_id, "bucket": number, "account_id": account_id}, like.version, cells),
        RowWrite("likes_by_account", listed, like.version, cells),
    ]
