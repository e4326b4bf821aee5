"""Comments: event → rows, row → domain. Pure.

Timestamps are versions of the comment, which are microseconds, or FINAL for a deletion.
"""

from __future__ import annotations

from photomesh_post.comments.domain import Comment, OwnComment, ThreadEntry, ThreadRow
from photomesh_post.tables.rows import FINAL, Row, RowWrite, month_of
from photomesh_post.texts.projection import decode_entities, encode_entities
from photomesh_shared.events import CommentCreated, CommentDeleted, Envelope

__all__ = [
    "CommentEvent",
    "comment_of",
    "deleted_rows",
    "own_comment_of",
    "rows_by_account",
    "rows_of",
    "thread_row_of",
]

CommentEvent = CommentCreated | CommentDeleted


def rows_of(envelope: Envelope[CommentEvent]) -> list[RowWrite]:
    """The rows that an event writes."""
    event, version = envelope.data, envelope.entityversion
    if isinstance(event, CommentDeleted):
        return deleted_rows(Comment(event.comment_id, event.post_id, event.account_id, event.parent_id))
    placed: dict[str, object] = {"post_id": event.post_id, "author_id": event.account_id}
    if event.parent_id is not None:
        placed["parent_id"] = event.parent_id
    thread = {"thread_id": event.parent_id or event.post_id, "month": month_of(event.comment_id)}
    listed = {**thread, "comment_id": event.comment_id}
    return [
        RowWrite("comments", {"comment_id": event.comment_id}, version, placed),
        RowWrite(
            "comments_by_thread",
            listed,
            version,
            {"author_id": event.account_id, "body": event.text, "entities": encode_entities(event.entities)},
        ),
        RowWrite("months_by_thread", thread, version),
        *rows_by_account(Comment(event.comment_id, event.post_id, event.account_id, event.parent_id), version),
    ]


def rows_by_account(comment: Comment, version: int) -> list[RowWrite]:
    """The row of a comment in its author's list."""
    cells: dict[str, object] = {"post_id": comment.post_id}
    if comment.parent_id is not None:
        cells["parent_id"] = comment.parent_id
    return [RowWrite("comments_by_account", _listed(comment), version, cells)]


def deleted_rows(comment: Comment) -> list[RowWrite]:
    """The rows that deleting a comment writes: no event restores its text."""
    key = {"comment_id": comment.id}
    listed = {"thread_id": comment.parent_id or comment.post_id, "month": month_of(comment.id), **key}
    return [
        RowWrite("comments", key, FINAL, {"deleted": True}),
        RowWrite("comments_by_thread", listed, FINAL, {"body": "", "entities": "", "deleted": True}),
        RowWrite("comments_by_account", _listed(comment), FINAL, {"deleted": True}),
    ]


def _listed(comment: Comment) -> dict[str, int]:
    return {"account_id": comment.author_id, "month": month_of(comment.id), "comment_id": comment.id}


def comment_of(row: Row) -> Comment | None:
    """Returns None if only the deletion event has arrived."""
    if row.get("post_id") is None:
        return None
    return Comment(row["comment_id"], row["post_id"], row["author_id"], row.get("parent_id"), bool(row.get("deleted")))


def own_comment_of(row: Row) -> OwnComment | None:
    """Returns None for a deleted comment."""
    if row.get("deleted") or row.get("post_id") is None:
        return None
    return OwnComment(row["comment_id"], row["post_id"], row.get("parent_id"))


def thread_row_of(row: Row) -> ThreadRow:
    if row.get("deleted"):
        return ThreadRow(row["comment_id"], None)
    comment_id, text = row["comment_id"], row["body"]
    entities = decode_entities(row.get("entities"), text)
    return ThreadRow(comment_id, ThreadEntry(comment_id, row["author_id"], text, entities))
