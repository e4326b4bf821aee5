"""Writes the tables by account and by post from those whose rows they list."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing

from photomesh_post.comments.domain import Comment
from photomesh_post.comments.projection import rows_by_account
from photomesh_post.paging import chunked
from photomesh_post.photos.projection import rows_by_owner
from photomesh_post.saves.projection import rows_by_post
from photomesh_post.tables.rows import Row, RowWrite, month_of
from photomesh_post.tables.store import write_rows
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["fill_lists"]

_CONCURRENT_WRITES = 64


async def fill_lists(session: CassandraSession) -> int:
    """Return how many rows were written, most of which were there. Raises DatabaseUnavailable."""
    owners = {row["collection_id"]: row["account_id"] async for row in session.rows("SELECT * FROM collections")}
    written = 0
    for cql, rows_of in (
        ("SELECT subject_id, account_id, liked, version FROM likes", _like_rows),
        (
            "SELECT comment_id, post_id, parent_id, author_id, deleted, WRITETIME(post_id) AS version FROM comments",
            _comment_rows,
        ),
        ("SELECT photo_id, owner_id, WRITETIME(owner_id) AS version FROM photos", _photo_rows),
        ("SELECT username, user_id FROM accounts_by_username", _username_rows),
        ("SELECT list_id, post_id, kept, version FROM saves", lambda row: _list_rows(row, owners)),
    ):
        async with aclosing(chunked(session.rows(cql), _CONCURRENT_WRITES)) as chunks:
            async for chunk in chunks:
                rows = [write for row in chunk for write in rows_of(row)]
                await write_rows(session, rows)
                written += len(rows)
    return written


def _like_rows(row: Row) -> list[RowWrite]:
    if not row["liked"]:
        return []
    subject_id, version = row["subject_id"], row["version"]
    key = {"account_id": row["account_id"], "month": month_of(subject_id), "subject_id": subject_id}
    return [RowWrite("likes_by_account", key, version, {"liked": True, "version": version})]


def _comment_rows(row: Row) -> list[RowWrite]:
    if row["deleted"] or row["post_id"] is None:
        return []
    comment = Comment(row["comment_id"], row["post_id"], row["author_id"], row["parent_id"])
    return rows_by_account(comment, row["version"])


def _photo_rows(row: Row) -> list[RowWrite]:
    return [] if row["owner_id"] is None else rows_by_owner(row["owner_id"], row["photo_id"], row["version"])


def _username_rows(row: Row) -> list[RowWrite]:
    return [RowWrite("usernames_by_account", {"user_id": row["user_id"], "username": row["username"]}, 1)]


def _list_rows(row: Row, owners: Mapping[int, int]) -> list[RowWrite]:
    if not row["kept"]:
        return []
    return rows_by_post(row["list_id"], row["post_id"], row["version"], owners.get(row["list_id"], row["list_id"]))
