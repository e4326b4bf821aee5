"""What one client of a stream has, and what it is sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii

from photomesh_notification.metrics import EVENTS, RESETS
from photomesh_notification.streams.domain import Entry, Position, newest_of_each, position_of
from photomesh_shared.http.event_stream import EventStream, encode_event

__all__ = ["Listener", "after", "event_of", "push"]

_NOTIFICATION, _REMOVED = EVENTS.labels("notification"), EVENTS.labels("removed")


@dataclass(eq=False)
class Listener:
    """`position`: what the client has. `backlog`: what it must get before it is sent what the others are; None once it
    has caught up."""

    lease: str
    stream: EventStream
    position: Position = (0, 0)
    backlog: dict[str, Entry] | None = field(default_factory=dict)
    opened: bool = False

    def reset(self, last_id: str, reason: str) -> None:
        """Tells the client to read the list again, and goes on after `last_id`."""
        RESETS.labels(reason).inc()
        self.position = position_of(last_id) or (0, 0)
        if self.backlog is not None:
            self.backlog = {}
        self.stream.push(event_of("reset", {"reason": reason}, last_id))


def push(listeners: Collection[Listener], entries: Iterable[Entry], shown: Mapping[str, str] | None) -> None:
    """Sends entries, in their order, to those of the listeners that do not have them. `shown`: what of their groups;
    None: their names. An event is encoded once for all."""
    for entry in entries:
        if entry.removed:
            counter, event = _REMOVED, encode_event("removed", _named(entry.group_id), event_id=entry.id)
        elif (data := _named(entry.group_id) if shown is None else shown.get(entry.group_id)) is not None:
            counter, event = _NOTIFICATION, encode_event("notification", data, event_id=entry.id)
        else:
            continue
        position, sent = entry.position, 0
        for one in listeners:
            if one.position < position:
                one.position = position
                one.stream.push(event)
                sent += 1
        counter.inc(sent)


def _named(group_id: str) -> str:
    return f'{{"id":{encode_basestring_ascii(group_id)}}}'


def after(position: Position, entries: Iterable[Entry]) -> dict[str, Entry]:
    """The newest entry of each group, of those after the position."""
    return newest_of_each(entry for entry in entries if entry.position > position)


def event_of(event: str, data: Mapping[str, object], event_id: str, retry: int | None = None) -> bytes:
    return encode_event(event, json.dumps(data, separators=(",", ":")), event_id=event_id, retry=retry)
