"""Preferences and muted posts in Cassandra."""

from __future__ import annotations

from photomesh_notification.preferences.domain import Preferences
from photomesh_notification.preferences.projection import decode_preferences, encode_preferences
from photomesh_notification.tables import FINAL
from photomesh_shared.stores.cassandra import CassandraSession

__all__ = ["CassandraPreferences"]


class CassandraPreferences:
    """Every method raises DatabaseUnavailable when no answer comes."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session

    async def preferences(self, account_id: int) -> Preferences:
        cql = "SELECT body FROM notification_preferences WHERE account_id = ?"
        rows = await self._session.read(cql, account_id)
        return decode_preferences(rows[0]["body"] if rows else None)

    async def store(self, account_id: int, preferences: Preferences) -> None:
        cql = "INSERT INTO notification_preferences (account_id, body) VALUES (?, ?)"
        await self._session.execute(cql, account_id, encode_preferences(preferences))

    async def muted_post_ids(self, account_id: int) -> list[int]:
        """The account's posts of whose likes it does not want to hear, oldest first."""
        cql = "SELECT post_id FROM muted_posts WHERE account_id = ?"
        return [row["post_id"] for row in await self._session.read(cql, account_id)]

    async def mute_post(self, account_id: int, post_id: int) -> None:
        await self._session.execute("INSERT INTO muted_posts (account_id, post_id) VALUES (?, ?)", account_id, post_id)

    async def unmute_post(self, account_id: int, post_id: int) -> None:
        await self._session.execute("DELETE FROM muted_posts WHERE account_id = ? AND post_id = ?", account_id, post_id)

    async def forget(self, account_id: int) -> None:
        """Removes preferences and mutes for good. Nothing that arrives later is stored."""
        for table in ("notification_preferences", "muted_posts"):
            cql = f"DELETE FROM {table} USING TIMESTAMP ? WHERE account_id = ?"  # noqa: S608 - a name of our own
            await self._session.execute(cql, FINAL, account_id)
