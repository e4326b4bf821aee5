"""What an account may see now of the groups that a push is about: the same rules as those of its list."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from photomesh_notification.inbox.domain import Notification
from photomesh_notification.push.payload import Shown

__all__ = ["ListSights"]


class Views(Protocol):
    """See `inbox.queries.InboxQueries`."""

    async def views(self, account_id: int, group_ids: Collection[str]) -> Mapping[str, Notification]: ...


class ListSights:
    """Implements `worker.Sights`: what the list would not show is pushed to nobody."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def shown(self, account_id: int, group_ids: Collection[str]) -> Mapping[str, Shown]:
        views = await self._views.views(account_id, group_ids)
        return {group_id: _shown(view) for group_id, view in views.items()}


def _shown(view: Notification) -> Shown:
    names = tuple(one.display_name or one.username for one in view.accounts)
    return Shown(view.group.kind, names, view.count, view.capped, view.group.post_id)
