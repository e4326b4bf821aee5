"""What people say under posts, and what is kept of it."""

from __future__ import annotations

from typing import Any

from photomesh_shared import ids
from photomesh_shared.cassandra import CassandraSession
from tests.integration.post.person import Person

__all__ = ["comment", "comment_count", "every_comment", "every_reply", "hand_count", "published"]


async def published(author: Person) -> str:
    """The id of a post that everybody sees."""
    return str((await author.post(await author.photo()))["id"])


async def comment(who: Person, post_id: str, text: str, parent_id: str | None = None) -> dict[str, Any]:
    body = {"text": text} | ({"parent_id": parent_id} if parent_id else {})
    answer = await who.ask("POST", f"/v1/posts/{post_id}/comments", body)
    assert answer.status_code == 201, answer.text
    written: dict[str, Any] = answer.json()
    return written


async def every_comment(who: Person, post_id: str, *, limit: int = 50) -> list[dict[str, Any]]:
    return await _every(who, f"/v1/posts/{post_id}/comments", limit)


async def every_reply(who: Person, comment_id: str, *, limit: int = 50) -> list[dict[str, Any]]:
    return await _every(who, f"/v1/comments/{comment_id}/replies", limit)


async def _every(who: Person, path: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query = f"?limit={limit}"
    while True:
        page = await who.get(path + query)
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query = f"?limit={limit}&cursor={page['next_cursor']}"


async def comment_count(who: Person, post_id: str) -> int:
    return int((await who.get(f"/v1/posts/{post_id}"))["comment_count"])


async def hand_count(database: CassandraSession, post_id: str) -> int:
    """The comments and replies of a post that are rows, counted by looking at each."""
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
