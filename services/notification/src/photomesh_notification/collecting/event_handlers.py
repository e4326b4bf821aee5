"""Consumer use cases: events are folded into tasks, which are published once a second."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from photomesh_notification.collecting.domain import Fold
from photomesh_notification.collecting.projection import heard_of, related_by
from photomesh_notification.metrics import CHANGES, TASKS
from photomesh_shared.clock import Clock
from photomesh_shared.events import Envelope, Event
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Collector"]

BEFORE_TASKS = declare("notifications.before_tasks", "changes are folded, their tasks are not published")
AFTER_TASKS = declare("notifications.after_tasks", "tasks are published, the offsets of their events not committed")

_MAX_CHANGES = 50_000
"""Beyond so many folded changes, records wait until their tasks are published."""
_TASKS_AT_ONCE = 500


class Collector:
    """Keeps what is folded in memory, until `flush` has published it: offsets are committed after that."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._fold = Fold()
        self._flushing = asyncio.Lock()
        self._waiting = False

    async def collect(self, envelopes: Sequence[Envelope[Event]]) -> None:
        """Folds events. Raises Unavailable while tasks cannot be published, so that no more is kept in memory."""
        if self._waiting or self._fold.size > _MAX_CHANGES:
            await self.flush()
        for envelope in envelopes:
            for heard in heard_of(envelope):
                CHANGES.inc()
                self._fold.hear(heard)
            for related in related_by(envelope):
                self._fold.relate(related)

    async def flush(self) -> None:
        """Publishes what is folded. Raises Unavailable, after which it is still there."""
        async with self._flushing:
            fold, self._fold = self._fold, Fold()
            published = False
            try:
                await self._publish(fold)
                published = True
            finally:
                self._waiting = not published
                if not published:
                    self._fold.merge(fold)

    async def _publish(self, fold: Fold) -> None:
        now = self._clock.now()
        tasks = [
            Envelope.of(task, entityversion=version, id=f"{task.subject()}.{version}", time=now)
            for task, version in fold.tasks()
        ]
        if not tasks:
            return
        await failpoint(BEFORE_TASKS)
        for start in range(0, len(tasks), _TASKS_AT_ONCE):
            await self._publisher.publish_many(tasks[start : start + _TASKS_AT_ONCE])
        TASKS.inc(len(tasks))
        await failpoint(AFTER_TASKS)
