"""Comments and what their events mean for the tables. Pure; see `projection` for why rows survive any order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from photomesh_post.comments.tallies import Change
from photomesh_post.posts.domain import Author, Reactions
from photomesh_post.posts.projection import FINAL, RowWrite, month_of
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope

__all__ = [
    "Comment",
    "CommentEvent",
    "CommentView",
    "Entry",
    "blank_rows",
    "change_of",
    "comment_of",
    "comment_rows",
    "entry_of",
]

CommentEvent = CommentCreated | CommentDeleted


@dataclass(frozen=True)
class Comment:
    """Where a comment is, and whose. `parent_id` is None of one that replies to no other."""

    id: int
    post_id: int
    author_id: int
    parent_id: int | None = None
    deleted: bool = False

    @property
    def root_id(self) -> int:
        """The comment that begins its thread of replies."""
        return self.parent_id or self.id


@dataclass(frozen=True)
class Entry:
    """A comment in its thread."""

    id: int
    author_id: int
    text: str


@dataclass(frozen=True)
class CommentView:
    """A comment as it is shown."""

    comment: Comment
    author: Author
    text: str
    created_at: datetime
    reactions: Reactions


def comment_rows(envelope: Envelope[CommentEvent]) -> list[RowWrite]:
    """The rows that an event of a comment writes."""
    event, version = envelope.data, envelope.entityversion
    if isinstance(event, CommentDeleted):
        return blank_rows(Comment(event.comment_id, event.post_id, event.account_id, event.parent_id))
    placed: dict[str, object] = {"post_id": event.post_id, "author_id": event.account_id}
    if event.parent_id is not None:
        placed["parent_id"] = event.parent_id
    thread = {"thread_id": event.parent_id or event.post_id, "month": month_of(event.comment_id)}
    listed = {**thread, "comment_id": event.comment_id}
    return [
        RowWrite("comments", {"comment_id": event.comment_id}, version, placed),
        RowWrite("comments_by_thread", listed, version, {"author_id": event.account_id, "body": event.text}),
        RowWrite("months_by_thread", thread, version),
    ]


def blank_rows(comment: Comment) -> list[RowWrite]:
    """What deleting a comment writes: no event brings its text back."""
    key = {"comment_id": comment.id}
    listed = {"thread_id": comment.parent_id or comment.post_id, "month": month_of(comment.id), **key}
    return [
        RowWrite("comments", key, FINAL, {"deleted": True}),
        RowWrite("comments_by_thread", listed, FINAL, {"body": "", "deleted": True}),
    ]


def change_of(event: CommentEvent) -> Change:
    return Change(event.comment_id, event.parent_id or event.comment_id, isinstance(event, CommentDeleted))


def comment_of(row: Mapping[str, Any]) -> Comment | None:
    """None as long as only its deletion is known."""
    if row.get("post_id") is None:
        return None
    return Comment(row["comment_id"], row["post_id"], row["author_id"], row.get("parent_id"), bool(row.get("deleted")))


def entry_of(row: Mapping[str, Any]) -> Entry | None:
    """None for one that was deleted."""
    return None if row.get("deleted") else Entry(row["comment_id"], row["author_id"], row["body"])
