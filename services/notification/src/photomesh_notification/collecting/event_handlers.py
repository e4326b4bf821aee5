"""Consumer use cases: events are folded into tasks, of which one is published for each group and second."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from photomesh_notification.collecting.domain import MAX_CHANGES, Fold, Key
from photomesh_notification.collecting.projection import heard_of, related_by
from photomesh_notification.metrics import CHANGES, TASKS
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    CommentDeleted,
    Envelope,
    Event,
    NotificationSubjectEnded,
    PostDeleted,
    StoryDeleted,
)
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["Collector", "Store"]

BEFORE_TASKS = declare("notifications.before_tasks", "changes are folded, their tasks are not published")
AFTER_TASKS = declare("notifications.after_tasks", "tasks are published, the offsets of their events not committed")

_MAX_CHANGES = 50_000
"""Beyond so many folded changes, records wait until their tasks are published."""
_TASKS_AT_ONCE = 500
_TOLD_SECONDS = 1.5
"""Longer than between two flushes, so that these alone publish what goes on and on."""


class Store(Protocol):
    """See `groups.store.CassandraGroups`."""

    async def mark_ended(self, id_: int) -> None: ...
    def groups_of_subject(self, subject_id: int) -> AsyncIterator[tuple[int, str]]: ...


class Collector:
    """Keeps what is folded in memory, until it is published: at once, or by the next `flush` if something of its group
    was lately. Offsets are committed after a flush."""

    def __init__(self, store: Store, publisher: Publisher, clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._fold = Fold()
        self._fresh: set[Key] = set()
        self._told: dict[Key, float] = {}
        self._publishing = asyncio.Lock()
        self._waiting = False

    async def collect(self, envelopes: Sequence[Envelope[Event]]) -> None:
        """Folds events. Raises Unavailable while tasks cannot be published, so that no more is kept in memory."""
        if self._waiting or self._fold.size > _MAX_CHANGES:
            await self.flush()
        changes = 0
        for envelope in envelopes:
            match envelope.data:
                case PostDeleted() as post:
                    await self._end(envelope, "post_id", post.post_id)
                case CommentDeleted() as comment:
                    await self._end(envelope, "comment_id", comment.comment_id)
                case StoryDeleted() as story:
                    await self._end(envelope, "story_id", story.story_id)
                case _:
                    pass
            for heard in heard_of(envelope):
                changes += 1
                self._fold.hear(heard)
                if (key := (heard.recipient_id, heard.subject)) not in self._told:
                    self._fresh.add(key)
            for related in related_by(envelope):
                self._fold.relate(related)
        CHANGES.inc(changes)
        if self._fresh:
            # What others have folded meanwhile goes along. A flush waits for it: it may be of records that are done.
            async with self._publishing:
                fresh, self._fresh = self._fresh, set()
                await self._publish_or_keep(self._fold.take(fresh))

    async def _end(self, envelope: Envelope[Event], member: str, subject_id: int) -> None:
        """Tells all who heard of a post, comment or story that it ended. What the writer handles later finds the
        mark."""
        await self._store.mark_ended(subject_id)
        by_recipient: dict[int, list[str]] = {}
        async for recipient_id, group_id in self._store.groups_of_subject(subject_id):
            groups = by_recipient.setdefault(recipient_id, [])
            groups.append(group_id)
            if len(groups) == MAX_CHANGES or len(by_recipient) == _TASKS_AT_ONCE:
                await self._tell_end(envelope, {member: subject_id}, by_recipient)
                by_recipient = {}
        await self._tell_end(envelope, {member: subject_id}, by_recipient)

    async def _tell_end(
        self, envelope: Envelope[Event], subject: Mapping[str, int], groups: Mapping[int, Sequence[str]]
    ) -> None:
        tasks = [
            NotificationSubjectEnded(recipient_id=recipient_id, groups=tuple(of_recipient), **subject)
            for recipient_id, of_recipient in groups.items()
        ]
        version = envelope.entityversion
        await self._publisher.publish_many(
            [Envelope.of(task, entityversion=version, id=_id_of(task, version), time=envelope.time) for task in tasks]
        )
        TASKS.inc(len(tasks))

    async def flush(self) -> None:
        """Publishes what is folded. Raises Unavailable, after which it is still there."""
        async with self._publishing:
            fold, self._fold, self._fresh = self._fold, Fold(), set()
            await self._publish_or_keep(fold)
            old = self._clock.monotonic() - _TOLD_SECONDS
            self._told = {key: at for key, at in self._told.items() if at > old}

    async def _publish_or_keep(self, fold: Fold) -> None:
        published = False
        try:
            await self._publish(fold)
            published = True
            self._told |= dict.fromkeys(fold.changes, self._clock.monotonic())
        finally:
            self._waiting = not published
            if not published:
                self._fold.merge(fold)

    async def _publish(self, fold: Fold) -> None:
        now = self._clock.now()
        tasks = [
            Envelope.of(task, entityversion=version, id=_id_of(task, version), time=now)
            for task, version in fold.tasks()
        ]
        if not tasks:
            return
        await failpoint(BEFORE_TASKS)
        for start in range(0, len(tasks), _TASKS_AT_ONCE):
            await self._publisher.publish_many(tasks[start : start + _TASKS_AT_ONCE])
        TASKS.inc(len(tasks))
        await failpoint(AFTER_TASKS)


def _id_of(task: Event, version: int) -> str:
    """The same for the same content only: after a crash, events may be folded together in another way."""
    digest = hashlib.sha256(task.model_dump_json().encode()).digest()
    return f"{task.subject()}.{version}.{int.from_bytes(digest[:8], 'big')}"
