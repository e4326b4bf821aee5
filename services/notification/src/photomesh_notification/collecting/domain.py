"""The fold: what is left of many changes to tell the writer. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from photomesh_notification.collecting.projection import Change, Heard, Related
from photomesh_notification.groups.domain import Subject
from photomesh_shared.events import (
    Event,
    NotificationChange,
    NotificationCollected,
    NotificationRelationChanged,
)

__all__ = ["MAX_CHANGES", "Fold", "Key"]

MAX_CHANGES = 200
"""Of a task. A group counts as many accounts one by one."""


Key = tuple[int, Subject]
"""Recipient and subject."""


@dataclass
class Fold:
    """The newest change of each actor by recipient and subject, and the newest state of each relation."""

    changes: dict[Key, dict[int, Change]] = field(default_factory=dict)
    relations: dict[tuple[int, str, int], Related] = field(default_factory=dict)
    size: int = 0

    def hear(self, heard: Heard) -> None:
        actors = self.changes.setdefault((heard.recipient_id, heard.subject), {})
        known = actors.get(heard.change.actor_id)
        if known is None:
            self.size += 1
        if known is None or (heard.change.version, heard.change.on) > (known.version, known.on):
            actors[heard.change.actor_id] = heard.change

    def relate(self, related: Related) -> None:
        key = (related.recipient_id, related.relation, related.other_id)
        known = self.relations.get(key)
        if known is None or related.version > known.version:
            self.relations[key] = related

    def take(self, keys: Iterable[Key]) -> Fold:
        """Remove the changes of these, and return them."""
        taken = Fold()
        for key in keys:
            taken.changes[key] = actors = self.changes.pop(key)
            taken.size += len(actors)
        self.size -= taken.size
        return taken

    def merge(self, other: Fold) -> None:
        for (recipient_id, subject), actors in other.changes.items():
            for change in actors.values():
                self.hear(Heard(recipient_id, subject, change))
        for related in other.relations.values():
            self.relate(related)

    def tasks(self) -> Iterator[tuple[Event, int]]:
        """The tasks, each with its entity version. Of those who are part of something the newest are enough, for more
        are not counted one by one; who is not any more must always be told."""
        for related in self.relations.values():
            yield (
                NotificationRelationChanged(
                    recipient_id=related.recipient_id,
                    other_id=related.other_id,
                    relation=related.relation,
                    version=related.version,
                    on=related.on,
                ),
                related.version,
            )
        for (recipient_id, subject), actors in self.changes.items():
            newest = sorted(actors.values(), key=lambda change: (change.version, change.actor_id), reverse=True)
            on = [change for change in newest if change.on]
            told = [*on[:MAX_CHANGES], *(change for change in newest if not change.on)]
            for start in range(0, len(told), MAX_CHANGES):
                part = told[start : start + MAX_CHANGES]
                task = NotificationCollected(
                    recipient_id=recipient_id,
                    kind=str(subject.kind),
                    post_id=subject.post_id,
                    comment_id=subject.comment_id,
                    thread_id=subject.thread_id,
                    photo_id=subject.photo_id,
                    webhook_id=subject.webhook_id,
                    story_id=subject.story_id,
                    changes=tuple(
                        NotificationChange(actor_id=one.actor_id, version=one.version, at=one.at, on=one.on)
                        for one in part
                    ),
                    truncated=start == 0 and len(on) > MAX_CHANGES,
                )
                yield task, max(change.version for change in part)
