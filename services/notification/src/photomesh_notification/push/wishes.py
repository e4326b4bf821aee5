"""What an account wants on its devices: from its preferences, and how far it has seen its list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from photomesh_notification.positions import moment_of
from photomesh_notification.preferences.domain import Preferences, QuietHours

__all__ = ["AccountWishes", "end_of"]


class PreferenceStore(Protocol):
    """See `preferences.store.CassandraPreferences`."""

    async def preferences(self, account_id: int) -> Preferences: ...


class SeenStore(Protocol):
    """See `inbox.store.CassandraInbox`."""

    async def seen_ms(self, account_id: int) -> int: ...


class AccountWishes:
    """Implements `worker.Wishes`."""

    def __init__(self, preferences: PreferenceStore, seen: SeenStore) -> None:
        self._preferences = preferences
        self._seen = seen

    async def wants(self, account_id: int, kind: str) -> bool:
        return (await self._preferences.preferences(account_id)).of(kind).pushed

    async def quiet_until(self, account_id: int, now: datetime) -> datetime | None:
        quiet = (await self._preferences.preferences(account_id)).quiet_hours
        return end_of(quiet, now) if quiet and quiet.cover(now) else None

    async def seen_at(self, account_id: int) -> datetime:
        return moment_of(await self._seen.seen_ms(account_id))


def end_of(quiet: QuietHours, now: datetime) -> datetime:
    """When quiet hours end that cover this moment."""
    local = now.astimezone(ZoneInfo(quiet.time_zone))
    end = local.replace(hour=quiet.end.hour, minute=quiet.end.minute, second=0, microsecond=0)
    if end <= local:
        end += timedelta(days=1)
    return end.astimezone(UTC)
