"""Consumer use cases: tasks become groups."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from photomesh_notification.groups.domain import KEPT, Kind, Subject
from photomesh_notification.groups.projection import (
    MAX_MEMBERS,
    Group,
    Member,
    State,
    StoredState,
    newest,
    regrouped,
)
from photomesh_notification.metrics import DROPPED, GROUP_WRITES, TASK_AGE
from photomesh_shared.clock import Clock
from photomesh_shared.events import (
    Envelope,
    NotificationActorEnded,
    NotificationCollected,
    NotificationRelationChanged,
    NotificationRemoved,
    NotificationSubjectEnded,
    NotificationUpdated,
)
from photomesh_shared.failpoints import declare, failpoint
from photomesh_shared.kafka.publisher import Publisher

__all__ = ["MAX_GROUPS", "Listener", "Store", "Writer"]

AFTER_MEMBERS = declare("notifications.after_members", "members are written, their group is not")
AFTER_GROUP = declare("notifications.after_group", "a group is written, and not published")
AFTER_PUBLISHED = declare("notifications.after_published", "groups are published, the states of actors not written")

MAX_GROUPS = 500
"""Comments on one post, or replies to one comment, that an account hears of one by one."""
_REMEMBERED = 10_000
_SHARED = (Kind.LIKE, Kind.COMMENT_LIKE, Kind.FOLLOW, Kind.STORY_REPLY)

GroupEvent = NotificationUpdated | NotificationRemoved


class Listener(Protocol):
    """Read models that follow groups, and can be built again without."""

    async def changed(self, account_id: int, envelope: Envelope[GroupEvent]) -> None:
        """A group was written. Idempotent. Raises Unavailable."""
        ...


class Store(Protocol):
    """See `groups.store.CassandraGroups`."""

    async def group(self, account_id: int, group_id: str) -> Group | None: ...
    async def members(self, account_id: int, group_id: str) -> dict[int, Member]: ...
    async def save_members(self, account_id: int, group_id: str, members: Sequence[Member]) -> None: ...
    async def save_group(self, account_id: int, group: Group) -> None: ...
    async def forget_member(self, account_id: int, group_id: str, actor_id: int) -> None: ...
    async def forget_group(self, account_id: int, group_id: str) -> None: ...
    async def states(self, account_id: int, kind: Kind, objects: Mapping[int, int]) -> dict[int, State]: ...
    async def save_states(self, account_id: int, kind: Kind, states: Sequence[StoredState]) -> None: ...
    async def groups_of_actor(self, account_id: int, actor_id: int) -> list[str]: ...
    async def forget_states(self, account_id: int, actor_id: int) -> None: ...
    async def save_relation(self, account_id: int, other_id: int, relation: str, version: int, *, on: bool) -> None: ...
    async def hidden_among(self, account_id: int, actor_ids: Collection[int]) -> set[int]: ...
    async def add_subjects(
        self, account_id: int, group_id: str, subject_ids: Collection[int], at: datetime
    ) -> None: ...
    async def count_groups(self, subject_id: int, kind: Kind, limit: int) -> int: ...
    async def ended_among(self, ids: Collection[int]) -> set[int]: ...


class Writer:
    """Handles the tasks of a recipient in their order: nobody else writes its groups.

    What is new in a task is found by the states of actors, which are written last: a task that is handled again after a
    crash does everything once more, with the same result, and a group that did not change is published with the version
    that it had."""

    def __init__(self, store: Store, publisher: Publisher, listeners: Sequence[Listener], clock: Clock) -> None:
        self._store = store
        self._publisher = publisher
        self._listeners = listeners
        self._clock = clock
        self._full: set[int] = set()

    async def collected(self, envelope: Envelope[NotificationCollected]) -> None:
        """Raises Unavailable."""
        task = envelope.data
        if task.kind not in set(Kind):
            return  # of a later version
        subject = Subject(
            Kind(task.kind),
            task.post_id,
            task.comment_id,
            task.thread_id,
            task.photo_id,
            task.webhook_id,
            task.story_id,
        )
        oldest = self._clock.now() - KEPT
        changes = {
            change.actor_id: Member(change.actor_id, change.version, _milliseconds(change.at), change.on)
            for change in task.changes
            if change.at > oldest
        }
        if not changes:
            return
        objects = subject.object_ids(changes)
        ended, states = await asyncio.gather(
            self._store.ended_among({task.recipient_id, *changes, *subject.subject_ids}),
            self._store.states(task.recipient_id, subject.kind, objects),
        )
        if ended & {task.recipient_id, *subject.subject_ids}:
            return
        changes = {actor_id: change for actor_id, change in changes.items() if actor_id not in ended}
        after: dict[int, State] = {}
        touched: dict[str, dict[int, Member]] = {}
        for actor_id, change in changes.items():
            known = states.get(actor_id)
            if known is not None and (change.version, change.active) <= (known.version, known.active):
                continue
            before = known.group_id if known else ""
            group_id = subject.group_id(actor_id, change.at) if change.active else before
            after[actor_id] = State(change.version, change.active, group_id)
            if before and before != group_id:
                touched.setdefault(before, {})[actor_id] = change._replace(active=False)
            if group_id:
                touched.setdefault(group_id, {})[actor_id] = change
        for group_id, members in touched.items():
            beyond = await self._change(
                task.recipient_id,
                group_id,
                subject,
                members,
                truncated=task.truncated and any(member.active for member in members.values()),
                version=envelope.entityversion,
            )
            if beyond is None:
                return
            for actor_id in beyond:
                after.pop(actor_id, None)
        await failpoint(AFTER_PUBLISHED)
        await self._store.save_states(
            task.recipient_id,
            subject.kind,
            [
                StoredState(objects[actor_id], actor_id, state, changes[actor_id].at)
                for actor_id, state in after.items()
            ],
        )
        TASK_AGE.set(max(0.0, (self._clock.now() - max(change.at for change in task.changes)).total_seconds()))

    async def _change(
        self,
        account_id: int,
        group_id: str,
        subject: Subject,
        changes: Mapping[int, Member],
        *,
        truncated: bool,
        version: int,
    ) -> Collection[int] | None:
        """Writes and publishes one group. Returns whom it does not remember; None if there is no place for it, or its
        subject ended meanwhile."""
        before = await self._store.group(account_id, group_id)
        if before is None:
            if await self._is_full(subject):
                DROPPED.labels(str(subject.kind)).inc()
                return None
            # In this order: whoever ends the subject marks it first, and then looks for its groups.
            await self._store.add_subjects(
                account_id, group_id, subject.subject_ids, max(change.at for change in changes.values())
            )
            if await self._store.ended_among({account_id, *subject.subject_ids}):
                return None
        # A group that is not there has no members but those that this task wrote, if it is handled again after a crash.
        members = await self._store.members(account_id, group_id) if before is not None else {}
        written: list[Member] = []
        beyond: dict[int, Member] = {}
        # The newest of a task last, so that the oldest have the places among those who are remembered.
        for change in reversed(newest(changes.values())):
            if change.actor_id in members or len(members) < MAX_MEMBERS:
                members[change.actor_id] = change
                written.append(change)
            else:
                beyond[change.actor_id] = change
        if written:
            await self._store.save_members(account_id, group_id, written)
        await failpoint(AFTER_MEMBERS)
        group = await self._regroup(
            account_id, group_id, subject, before, members, beyond=beyond, truncated=truncated, version=version
        )
        remembered = {member.actor_id for member in group.recent} | {
            actor_id for actor_id, change in beyond.items() if not change.active
        }
        return beyond.keys() - remembered

    async def _is_full(self, subject: Subject) -> bool:
        """Whether as many comments on one post, or replies to one comment, are stored as one account must keep."""
        of = {Kind.COMMENT: subject.post_id, Kind.REPLY: subject.thread_id}.get(subject.kind)
        if of is None:
            return False
        if (full := of in self._full) or await self._store.count_groups(of, subject.kind, MAX_GROUPS) < MAX_GROUPS:
            return full
        if len(self._full) >= _REMEMBERED:
            self._full.clear()
        self._full.add(of)
        return True

    async def _regroup(
        self,
        account_id: int,
        group_id: str,
        subject: Subject,
        before: Group | None,
        members: Mapping[int, Member],
        *,
        beyond: Mapping[int, Member] | None = None,
        truncated: bool = False,
        gone: Collection[int] = (),
        version: int,
    ) -> Group:
        actors = {*members, *(beyond or {}), *(member.actor_id for member in (before.recent if before else ()))}
        hidden = await self._store.hidden_among(account_id, actors)
        group = regrouped(
            before,
            group_id,
            subject.stored,
            members,
            hidden=hidden,
            recipient_id=account_id,
            beyond=beyond,
            truncated=truncated,
            gone=gone,
            version=version,
        )
        if group != before:
            await self._store.save_group(account_id, group)
            GROUP_WRITES.inc()
        await failpoint(AFTER_GROUP)
        if group.count or before is not None:
            await self._publish(account_id, group.event(account_id), group.version)
        return group

    async def relation_changed(self, envelope: Envelope[NotificationRelationChanged]) -> None:
        """Hides or shows the other's part in all groups. Raises Unavailable."""
        task = envelope.data
        if task.relation not in ("block", "blocked_by", "mute"):
            return
        if await self._store.ended_among({task.recipient_id, task.other_id}):
            return
        await self._store.save_relation(task.recipient_id, task.other_id, task.relation, task.version, on=task.on)
        for group_id in await self._store.groups_of_actor(task.recipient_id, task.other_id):
            before = await self._store.group(task.recipient_id, group_id)
            if before is not None:
                members = await self._store.members(task.recipient_id, group_id)
                await self._regroup(task.recipient_id, group_id, before.subject, before, members, version=task.version)

    async def subject_ended(self, envelope: Envelope[NotificationSubjectEnded]) -> None:
        """Ends the groups of what ended. They are published first: after a crash between, they are again. Raises
        Unavailable."""
        task = envelope.data
        for group_id in task.groups:
            group = await self._store.group(task.recipient_id, group_id)
            if group is not None:
                removed = NotificationRemoved(recipient_id=task.recipient_id, group_id=group_id)
                await self._publish(task.recipient_id, removed, group.version + 1)
            await self._store.forget_group(task.recipient_id, group_id)

    async def actor_ended(self, envelope: Envelope[NotificationActorEnded]) -> None:
        """Forgets an erased account's part in all groups. Raises Unavailable."""
        task = envelope.data
        for group_id in await self._store.groups_of_actor(task.recipient_id, task.actor_id):
            await self._store.forget_member(task.recipient_id, group_id, task.actor_id)
            before = await self._store.group(task.recipient_id, group_id)
            if before is None:
                continue
            members = await self._store.members(task.recipient_id, group_id)
            members.pop(task.actor_id, None)
            if before.subject.kind in _SHARED:
                await self._regroup(
                    task.recipient_id,
                    group_id,
                    before.subject,
                    before,
                    members,
                    gone={task.actor_id},
                    version=envelope.entityversion,
                )
                continue
            removed = NotificationRemoved(recipient_id=task.recipient_id, group_id=group_id)
            await self._publish(task.recipient_id, removed, before.version + 1)
            await self._store.forget_group(task.recipient_id, group_id)
        await self._store.forget_states(task.recipient_id, task.actor_id)

    async def _publish(self, account_id: int, event: GroupEvent, version: int) -> None:
        envelope: Envelope[GroupEvent] = Envelope.of(
            event, entityversion=version, id=f"{event.subject()}.{version}", time=self._clock.now()
        )
        await self._publisher.publish(envelope)
        for listener in self._listeners:
            await listener.changed(account_id, envelope)


def _milliseconds(at: datetime) -> datetime:
    """As Cassandra stores it."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
