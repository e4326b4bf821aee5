"""What notification holds of an account, for its export: what it heard of, and what it wants to hear of. Who did it is
theirs, and in their exports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

from yarl import URL

from photomesh_notification.inbox.domain import Group
from photomesh_notification.positions import moment_of
from photomesh_notification.preferences.domain import KINDS, Preferences
from photomesh_shared.internal_api.export import ExportPage, ExportQuery, int_cursor, item_of, require_section

__all__ = ["Device", "Devices", "ExportQueries", "Inbox", "PreferenceStore"]

Item = dict[str, Any]

_IDS = {"post_id": "o", "comment_id": "c", "photo_id": "p", "webhook_id": "wh", "story_id": "st", "session_id": "ss"}


class Inbox(Protocol):
    """See `inbox.store.CassandraInbox`."""

    async def groups_after(self, account_id: int, group_id: str, limit: int) -> Sequence[Group]: ...
    async def seen_ms(self, account_id: int) -> int: ...


class PreferenceStore(Protocol):
    """See `preferences.store.CassandraPreferences`."""

    async def preferences(self, account_id: int) -> Preferences: ...
    async def muted_post_ids(self, account_id: int) -> Sequence[int]: ...


class Device(Protocol):
    """What is exported of a `push.domain.Subscription`."""

    @property
    def endpoint(self) -> str: ...
    @property
    def session_id(self) -> int: ...
    @property
    def registered_at(self) -> datetime: ...


class Devices(Protocol):
    """See `push.store.CassandraSubscriptions`."""

    async def of_account(self, account_id: int) -> Sequence[Device]: ...


class ExportQueries:
    def __init__(self, inbox: Inbox, preferences: PreferenceStore, devices: Devices) -> None:
        self._inbox = inbox
        self._devices = devices
        self._preferences = preferences
        self._sections: dict[str, Callable[[int, ExportQuery], Awaitable[ExportPage]]] = {
            "notifications": self._notification_page,
            "notification_settings": self._settings_page,
        }

    async def page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """Raises NotFound, InvalidCursor, or DatabaseUnavailable."""
        return await require_section(self._sections, query.section)(account_id, query)

    async def _notification_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """A cursor is the id of the last group of the page before."""
        groups = await self._inbox.groups_after(account_id, query.cursor or "", query.limit)
        items = [
            item_of(
                {
                    "group_id": group.id,
                    "kind": group.kind,
                    "post_id": group.post_id,
                    "comment_id": group.comment_id,
                    "photo_id": group.photo_id,
                    "webhook_id": group.webhook_id,
                    "story_id": group.story_id,
                    "count": group.count,
                    "first_at": group.first_at,
                    "changed_at": group.changed_at,
                },
                _IDS,
            )
            for group in groups
        ]
        more = len(groups) == query.limit
        return ExportPage(section=query.section, items=items, next_cursor=groups[-1].id if more else None)

    async def _settings_page(self, account_id: int, query: ExportQuery) -> ExportPage:
        """All on the first page: there are 200 muted posts and some devices at most."""
        if query.cursor and int_cursor(query.cursor):
            return ExportPage(section=query.section, items=[], next_cursor=None)
        preferences = await self._preferences.preferences(account_id)
        items: list[Item] = [
            {
                "setting": "kind",
                "kind": kind,
                "listed": preferences.of(kind).listed,
                "pushed": preferences.of(kind).pushed,
                "audience": str(preferences.of(kind).audience),
            }
            for kind in KINDS
            if kind in preferences.kinds
        ]
        if hours := preferences.quiet_hours:
            items.append(
                {
                    "setting": "quiet_hours",
                    "start": hours.start.isoformat("minutes"),
                    "end": hours.end.isoformat("minutes"),
                    "time_zone": hours.time_zone,
                }
            )
        muted = await self._preferences.muted_post_ids(account_id)
        items += [item_of({"setting": "muted_post", "post_id": post_id}, _IDS) for post_id in muted]
        # Of its address only the host: whoever has the address and the keys can send to the device.
        items += [
            item_of(
                {
                    "setting": "device",
                    "push_service": URL(one.endpoint, encoded=True).host,
                    "session_id": one.session_id,
                    "registered_at": one.registered_at,
                },
                _IDS,
            )
            for one in await self._devices.of_account(account_id)
        ]
        if seen := await self._inbox.seen_ms(account_id):
            items.append(item_of({"setting": "seen", "seen_at": moment_of(seen)}, _IDS))
        return ExportPage(section=query.section, items=items, next_cursor=None)
