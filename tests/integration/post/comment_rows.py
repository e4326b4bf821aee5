"""The comments in the database, counted one by one."""

from __future__ import annotations

from typing import Any

from photomesh_shared import ids
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["count_comment_rows"]


async def count_comment_rows(database: CassandraSession, post_id: str) -> int:
    """How many rows the comments and replies of a post have."""
    comments = await _rows(database, ids.decode("o", post_id))
    return len(comments) + sum([len(await _rows(database, row["comment_id"])) for row in comments])


async def _rows(database: CassandraSession, thread_id: int) -> list[dict[str, Any]]:
    months = await database.execute("SELECT month FROM months_by_thread WHERE thread_id = ?", thread_id)
    rows = await database.execute(
        "SELECT * FROM comments_by_thread WHERE thread_id = ? AND month IN ?",
        thread_id,
        [row["month"] for row in months],
    )
    for row in rows:
        assert not row["deleted"] or row["body"] == ""
    return [row for row in rows if not row["deleted"]]
