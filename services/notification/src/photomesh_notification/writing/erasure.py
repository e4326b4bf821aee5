"""Consumer use case: an account is erased, also from what others heard of."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from typing import Protocol

from photomesh_notification.errors import NotificationsUnavailable
from photomesh_notification.groups.projection import Group, Member
from photomesh_shared.clock import Clock
from photomesh_shared.consumer.erasure import Erased, kept_dead_letters, kept_in_topic
from photomesh_shared.events import AccountErasureRequested, Envelope, Kept, NotificationActorEnded
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["AccountEraser", "Records", "Store"]

_TASKS_AT_ONCE = 500
_LOOKS, _LOOK_SECONDS = 40, 0.25


class Store(Protocol):
    """See `groups.store.CassandraGroups`."""

    async def mark_ended(self, id_: int) -> None: ...
    def groups(self, account_id: int) -> AsyncIterator[Group]: ...
    async def members(self, account_id: int, group_id: str) -> dict[int, Member]: ...
    async def forget_subjects(self, account_id: int, group_id: str, subject_ids: Collection[int]) -> None: ...
    async def forget_group(self, account_id: int, group_id: str) -> None: ...
    async def forget_states(self, account_id: int, actor_id: int) -> None: ...
    async def forget_account(self, account_id: int) -> None: ...
    async def recipients_of(self, actor_id: int) -> list[int]: ...


class Records(Protocol):
    """What else is kept of an account."""

    async def forget(self, account_id: int) -> None:
        """Idempotent. Raises Unavailable."""
        ...


class AccountEraser:
    def __init__(self, store: Store, publisher: Publisher, clock: Clock, records: Sequence[Records] = ()) -> None:
        self._records = records
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def erase(self, envelope: Envelope[AccountErasureRequested]) -> Erased:
        """Erases what the account heard of, and its part in what others did. Others' groups are rewritten by their
        writers, for whom this waits. Raises Unavailable, also while they are not done."""
        account_id, topics = envelope.data.user_id, ("notification_tasks", "notifications")
        await self._store.mark_ended(account_id)
        groups = 0
        async for group in self._store.groups(account_id):
            groups += 1
            members = await self._store.members(account_id, group.group_id)
            for actor_id in members.keys() | {member.actor_id for member in group.recent}:
                await self._store.forget_states(account_id, actor_id)
            await self._store.forget_subjects(account_id, group.group_id, group.subject.subject_ids)
            await self._store.forget_group(account_id, group.group_id)
        await self._store.forget_account(account_id)
        for records in self._records:
            await records.forget(account_id)
        recipients = await self._end_parts(account_id, envelope.entityversion)
        now = self._clock.now()
        kept = Kept(
            what="ids of comments that the account answered, and that it blocked or muted somebody, or was",
            why="rows of others, which expire",
            until=now + timedelta(days=120),
        )
        return Erased(
            {"groups": groups, "recipients": recipients},
            (kept, kept_dead_letters(topics, now), *(kept_in_topic(topic, "notifications", now) for topic in topics)),
        )

    async def _end_parts(self, account_id: int, version: int) -> int:
        """Returns in whose groups the account had part."""
        recipients = await self._store.recipients_of(account_id)
        found = len(recipients)
        while recipients:
            tasks = [
                NotificationActorEnded(recipient_id=recipient_id, actor_id=account_id) for recipient_id in recipients
            ]
            for start in range(0, len(tasks), _TASKS_AT_ONCE):
                await self._publisher.publish_many(
                    [
                        Envelope.of(task, entityversion=version, id=f"{task.subject()}.{version}")
                        for task in tasks[start : start + _TASKS_AT_ONCE]
                    ]
                )
            for _ in range(_LOOKS):
                await self._clock.sleep(_LOOK_SECONDS)
                left = await self._store.recipients_of(account_id)
                if set(recipients).isdisjoint(left):
                    break
            else:
                raise NotificationsUnavailable("groups of others are still being rewritten")
            recipients = left
            found += len(left)
        return found
