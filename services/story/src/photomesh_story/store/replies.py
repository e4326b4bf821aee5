"""Replies in Cassandra. Timestamps of cells are entity versions, and deletions are final: events may be applied in any
order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from photomesh_shared.stores.cassandra import CassandraSession
from photomesh_story.replies.domain import Reply, ReplyPosition
from photomesh_story.store.tables import FINAL

__all__ = ["CassandraReplies"]


class CassandraReplies:
    """See `replies.protocols.Replies`."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def add(self, reply: Reply, version: int) -> None:
        await self._session.execute(
            "INSERT INTO story_replies_by_account (account_id, story_id, replied_at) VALUES (?, ?, ?)"
            " USING TIMESTAMP ?",
            reply.account_id,
            reply.story_id,
            reply.replied_at,
            version,
        )
        await self._session.execute(
            "INSERT INTO story_replies (story_id, replied_at, account_id, author_id, text) VALUES (?, ?, ?, ?, ?)"
            " USING TIMESTAMP ?",
            reply.story_id,
            reply.replied_at,
            reply.account_id,
            reply.author_id,
            reply.text,
            version,
        )

    async def remove(self, story_id: int, position: ReplyPosition) -> None:
        await self._session.execute(
            "DELETE FROM story_replies USING TIMESTAMP ? WHERE story_id = ? AND replied_at = ? AND account_id = ?",
            FINAL,
            story_id,
            position.replied_at,
            position.account_id,
        )
        await self._session.execute(
            "DELETE FROM story_replies_by_account USING TIMESTAMP ?"
            " WHERE account_id = ? AND story_id = ? AND replied_at = ?",
            FINAL,
            position.account_id,
            story_id,
            position.replied_at,
        )

    async def remove_all(self, story_id: int) -> None:
        """Of a story that was deleted: nothing that arrives later is stored."""
        await self._session.execute("DELETE FROM story_replies USING TIMESTAMP ? WHERE story_id = ?", FINAL, story_id)

    async def of_story(self, story_id: int, after: ReplyPosition | None, limit: int) -> Sequence[Reply]:
        """The latest first."""
        cql = "SELECT story_id, replied_at, account_id, author_id, text FROM story_replies WHERE story_id = ?"
        if after is None:
            rows = await self._session.read(f"{cql} LIMIT ?", story_id, limit)
        else:
            rows = await self._session.read(
                f"{cql} AND (replied_at, account_id) < (?, ?) LIMIT ?", story_id, *after, limit
            )
        return [_reply_of(row) for row in rows]

    async def of_account(self, account_id: int, story_id: int | None = None) -> Sequence[Reply]:
        """What the account replied, to one story or to all; not to stories that were deleted."""
        cql = "SELECT story_id, replied_at FROM story_replies_by_account WHERE account_id = ?"
        if story_id is None:
            keys: Sequence[Mapping[str, Any]] = [row async for row in self._session.rows(cql, account_id)]
        else:
            keys = await self._session.read(f"{cql} AND story_id = ?", account_id, story_id)
        found: list[Reply] = []
        for key in keys:
            rows = await self._session.read(
                "SELECT story_id, replied_at, account_id, author_id, text FROM story_replies"
                " WHERE story_id = ? AND replied_at = ? AND account_id = ?",
                key["story_id"],
                key["replied_at"],
                account_id,
            )
            found += [_reply_of(row) for row in rows]
        return found

    async def forget_account(self, account_id: int) -> None:
        """Removes the list of an account, whose replies are deleted."""
        await self._session.execute(
            "DELETE FROM story_replies_by_account USING TIMESTAMP ? WHERE account_id = ?", FINAL, account_id
        )


def _reply_of(row: Mapping[str, Any]) -> Reply:
    replied_at: datetime = row["replied_at"]
    return Reply(row["story_id"], row["author_id"], row["account_id"], replied_at.replace(tzinfo=UTC), row["text"])
