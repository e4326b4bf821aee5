"""An account's notifications in Cassandra, as its reader needs them, and how far it has seen them.

`groups` and `writing` write the groups.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from photomesh_notification.inbox.domain import Group, Reader
from photomesh_notification.positions import Position, ms_of
from photomesh_notification.preferences.projection import decode_preferences
from photomesh_notification.tables import aware
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraInbox"]


class CassandraInbox:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def positions(self, account_id: int) -> list[Position]:
        """All groups that have something to show, in no order."""
        cql = "SELECT group_id, count, changed_at FROM notification_groups WHERE account_id = ?"
        return [
            Position(ms_of(aware(row["changed_at"])), row["group_id"])
            async for row in self._session.rows(cql, account_id)
            if row["count"] and row["changed_at"]
        ]

    async def groups(self, account_id: int, group_ids: Collection[str]) -> dict[str, Group]:
        """Those of the groups that have something to show, by id."""
        if not group_ids:
            return {}
        cql = (
            "SELECT group_id, kind, post_id, comment_id, photo_id, webhook_id, story_id, count, capped, actors,"
            " first_at, changed_at FROM notification_groups WHERE account_id = ? AND group_id IN ?"
        )
        rows = await self._session.execute(cql, account_id, sorted(group_ids))
        return {row["group_id"]: _group_of(row) for row in rows if row["count"] and row["kind"] and row["changed_at"]}

    async def groups_after(self, account_id: int, group_id: str, limit: int) -> list[Group]:
        """A page of all groups that have something to show, in the order of their ids."""
        cql = (
            "SELECT group_id, kind, post_id, comment_id, photo_id, webhook_id, story_id, count, capped, actors,"
            " first_at, changed_at FROM notification_groups WHERE account_id = ? AND group_id > ?"
        )
        found: list[Group] = []
        async with aclosing(self._session.rows(cql, account_id, group_id)) as rows:
            async for row in rows:
                if row["count"] and row["kind"] and row["changed_at"]:
                    found.append(_group_of(row))
                if len(found) == limit:
                    break
        return found

    async def newest_actors(self, account_id: int, group_id: str, limit: int) -> list[int]:
        """Actors of a group, newest first, without those whom the account blocks or mutes or that block it."""
        cql = "SELECT actor_id, at, active FROM notification_members WHERE account_id = ? AND group_id = ?"
        rows = [row for row in await self._session.execute(cql, account_id, group_id) if row["active"] and row["at"]]
        rows.sort(key=lambda row: (row["at"], row["actor_id"]), reverse=True)
        ids = [row["actor_id"] for row in rows[:limit]]
        hidden = await self._hidden_among(account_id, ids)
        return [actor_id for actor_id in ids if actor_id not in hidden]

    async def _hidden_among(self, account_id: int, other_ids: Sequence[int]) -> set[int]:
        if not other_ids:
            return set()
        cql = (
            "SELECT other_id, blocks, blocked_by, mutes FROM notification_relations"
            " WHERE account_id = ? AND other_id IN ?"
        )
        rows = await self._session.execute(cql, account_id, sorted(other_ids))
        return {row["other_id"] for row in rows if row["blocks"] or row["blocked_by"] or row["mutes"]}

    async def seen_ms(self, account_id: int) -> int:
        """How far the account has seen its notifications, in milliseconds; 0: nothing."""
        rows = await self._session.execute("SELECT seen_at FROM notification_readers WHERE account_id = ?", account_id)
        return _seen_of(rows[0]) if rows else 0

    async def reader(self, account_id: int) -> Reader:
        """What the account wants to hear of, and how far it has seen its notifications."""
        cql = "SELECT preferences, muted_post_ids, seen_at FROM notification_readers WHERE account_id = ?"
        rows = await self._session.execute(cql, account_id)
        if not rows:
            return Reader()
        row = rows[0]
        return Reader(decode_preferences(row["preferences"]), frozenset(row["muted_post_ids"] or ()), _seen_of(row))

    async def mark_seen(self, account_id: int, seen_at: datetime) -> None:
        """The marker is its own timestamp, so that the furthest wins, in whatever order markers arrive."""
        cql = "INSERT INTO notification_readers (account_id, seen_at) VALUES (?, ?) USING TIMESTAMP ?"
        await self._session.execute(cql, account_id, seen_at, ms_of(seen_at) * 1_000)


def _seen_of(row: Mapping[str, Any]) -> int:
    return ms_of(aware(row["seen_at"])) if row["seen_at"] else 0


def _group_of(row: Mapping[str, Any]) -> Group:
    return Group(
        row["group_id"],
        row["kind"],
        row["count"],
        bool(row["capped"]),
        tuple(row["actors"] or ()),
        aware(row["first_at"] or row["changed_at"]),
        aware(row["changed_at"]),
        row["post_id"],
        row["comment_id"],
        row["photo_id"],
        row["webhook_id"],
        row["story_id"],
    )
