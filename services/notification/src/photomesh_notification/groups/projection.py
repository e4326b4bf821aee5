"""A group as a function of who has part in it, and of whom the recipient may not see. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from photomesh_notification.groups.domain import Subject
from photomesh_shared.events import NotificationRemoved, NotificationUpdated

__all__ = ["MAX_MEMBERS", "MAX_RECENT", "Group", "Member", "State", "StoredState", "newest", "regrouped"]

MAX_MEMBERS = 200
"""Of a group, so many are remembered one by one; who comes later makes it `capped`."""
MAX_RECENT = 16
"""Of those who came later, so many of the newest."""
_SHOWN = 8


class Member(NamedTuple):
    """What an actor's part in a group is."""

    actor_id: int
    version: int
    at: datetime
    active: bool


class State(NamedTuple):
    """The latest that is known of an actor and an object, and the group that it is in; none if it never was."""

    version: int
    active: bool
    group_id: str


class StoredState(NamedTuple):
    """What becomes of an actor's state of an object, at a time."""

    object_id: int
    actor_id: int
    state: State
    at: datetime


@dataclass(frozen=True)
class Group:
    """`recent`: the newest of those who are not remembered as members. `count` 0: there is nothing to see."""

    group_id: str
    subject: Subject
    first_at: datetime
    changed_at: datetime
    count: int = 0
    capped: bool = False
    actors: tuple[int, ...] = ()
    recent: tuple[Member, ...] = field(default=())
    version: int = 0

    def event(self, recipient_id: int) -> NotificationUpdated | NotificationRemoved:
        if not self.count:
            return NotificationRemoved(recipient_id=recipient_id, group_id=self.group_id)
        return NotificationUpdated(
            recipient_id=recipient_id,
            group_id=self.group_id,
            kind=str(self.subject.kind),
            post_id=self.subject.post_id,
            comment_id=self.subject.comment_id,
            photo_id=self.subject.photo_id,
            webhook_id=self.subject.webhook_id,
            story_id=self.subject.story_id,
            count=self.count,
            capped=self.capped,
            actors=self.actors,
            first_at=self.first_at,
            changed_at=self.changed_at,
        )


def newest(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda member: (member.at, member.version, member.actor_id), reverse=True)


def regrouped(
    before: Group | None,
    group_id: str,
    subject: Subject,
    members: Mapping[int, Member],
    *,
    hidden: Collection[int],
    recipient_id: int,
    beyond: Mapping[int, Member] | None = None,
    truncated: bool = False,
    gone: Collection[int] = (),
    version: int = 0,
) -> Group:
    """The group with these members. `beyond`: changes of those for whom there is no place among them; `gone`: whom
    nothing may remember; `version`: of what caused it. The group keeps its version if nothing changed."""
    recent = {member.actor_id: member for member in (before.recent if before else ())}
    for member in (beyond or {}).values():
        known = recent.get(member.actor_id)
        if known is None or member.version >= known.version:
            recent[member.actor_id] = member
    kept = newest(
        member
        for member in recent.values()
        if member.active and member.actor_id not in members and member.actor_id not in gone
    )[:MAX_RECENT]
    visible = newest(member for member in (*members.values(), *kept) if member.active and member.actor_id not in hidden)
    capped = truncated or bool(before and before.capped) or any(member.active for member in (beyond or {}).values())
    times = [member.at for member in visible] or [member.at for member in members.values()]
    if before is not None and not visible:
        times = [before.first_at, before.changed_at]
    after = Group(
        group_id,
        subject,
        min(times),
        max(times),
        count=len(visible),
        capped=capped,
        actors=tuple(member.actor_id for member in visible if member.actor_id != recipient_id)[:_SHOWN],
        recent=tuple(kept),
        version=before.version if before else 0,
    )
    if after == before:
        return after
    return replace(after, version=max(version, after.version + 1))
