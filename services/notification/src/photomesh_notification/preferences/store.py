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
        cql = "SELECT preferences FROM notification_readers WHERE account_id = ?"
        rows = await self._session.execute(cql, account_id)
        return decode_preferences(rows[0]["preferences"] if rows else None)

    async def store(self, account_id: int, preferences: Preferences) -> None:
        cql = "INSERT INTO notification_readers (account_id, preferences) VALUES (?, ?)"
        await self._session.execute(cql, account_id, encode_preferences(preferences))

    async def muted_post_ids(self, account_id: int) -> list[int]:
        """The account's posts of whose likes it does not want to hear, oldest first."""
        cql = "SELECT muted_post_ids FROM notification_readers WHERE account_id = ?"
        rows = await self._session.execute(cql, account_id)
        return sorted(rows[0]["muted_post_ids"] or ()) if rows else []

    async def mute_post(self, account_id: int, post_id: int) -> None:
        cql = "UPDATE notification_readers SET muted_post_ids = muted_post_ids + ? WHERE account_id = ?"
        await self._session.execute(cql, {post_id}, account_id)

    async def unmute_post(self, account_id: int, post_id: int) -> None:
        cql = "UPDATE notification_readers SET muted_post_ids = muted_post_ids - ? WHERE account_id = ?"
        await self._session.execute(cql, {post_id}, account_id)

    async def forget(self, account_id: int) -> None:
        """Removes the account's row for good: preferences, mutes and the seen marker. Nothing that arrives later is
        stored."""
        cql = "DELETE FROM notification_readers USING TIMESTAMP ? WHERE account_id = ?"
        await self._session.execute(cql, FINAL, account_id)
