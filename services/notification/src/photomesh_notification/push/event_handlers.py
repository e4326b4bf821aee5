"""Handlers of the topic `notifications`: note what devices have not heard of, and when to look at it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from photomesh_notification.push.domain import Hint, Pending, Windows, lifetime, stack_of
from photomesh_notification.push.metrics import PUSHES_SKIPPED
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, NotificationRemoved, NotificationUpdated
from photomesh_shared.failpoints import declare, failpoint

__all__ = ["Devices", "PushEventHandlers", "Schedule", "Waiting"]

AFTER_PENDING = declare("push.after_pending", "what is to be pushed is stored, when to look at it is not")

_AHEAD = timedelta(seconds=5)
"""A hint is never due at once: a worker that is at this very moment done with the stack must not take it along."""


class Devices(Protocol):
    """See `store.CassandraSubscriptions`."""

    async def has_any(self, account_id: int) -> bool: ...


class Waiting(Protocol):
    """See `store.CassandraPushes`."""

    async def put(self, account_id: int, pending: Pending) -> None: ...
    async def remove(self, account_id: int, group_id: str, version: int) -> None: ...


class Schedule(Protocol):
    """See `store.CassandraSchedule`."""

    async def add(self, hint: Hint) -> None: ...


class PushEventHandlers:
    """Idempotent: what is stored follows from the event, and its version decides. Raises DatabaseUnavailable."""

    def __init__(self, devices: Devices, waiting: Waiting, schedule: Schedule, clock: Clock, windows: Windows) -> None:
        self._devices = devices
        self._waiting = waiting
        self._schedule = schedule
        self._clock = clock
        self._windows = windows

    async def updated(self, envelope: Envelope[NotificationUpdated]) -> None:
        """What is too old to wake anybody is skipped, as when the topic is read from its beginning; and what nobody's
        device is there to hear of, as of most accounts. A device hears of what is handled after it was registered."""
        event, now = envelope.data, self._clock.now()
        if now - event.changed_at > lifetime(event.kind):
            return
        if not await self._devices.has_any(event.recipient_id):
            PUSHES_SKIPPED.labels("no_device").inc()
            return
        stack = stack_of(event.kind, event.group_id, event.post_id)
        pending = Pending(event.group_id, stack, event.kind, envelope.entityversion, event.changed_at)
        await self._waiting.put(event.recipient_id, pending)
        await failpoint(AFTER_PENDING)
        due = max(envelope.time + self._windows.of(event.kind), now + _AHEAD)
        await self._schedule.add(Hint(_whole_second(due), event.recipient_id, stack))

    async def removed(self, envelope: Envelope[NotificationRemoved]) -> None:
        """Nothing of the group is pushed, unless it was already."""
        event = envelope.data
        await self._waiting.remove(event.recipient_id, event.group_id, envelope.entityversion)


def _whole_second(moment: datetime) -> datetime:
    """So that a burst leaves a hint a second, not one an event."""
    return moment.replace(microsecond=0)
