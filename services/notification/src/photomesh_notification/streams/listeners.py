"""What one client of a stream has, and what it is sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii

from prometheus_client import Counter

from photomesh_notification.metrics import EVENTS, RESETS
from photomesh_notification.streams.domain import Entry, Position, position_of
from photomesh_shared.http.event_stream import EventStream, encode_event

__all__ = ["Listener", "event_of", "push"]

_NOTIFICATION, _REMOVED = EVENTS.labels("notification"), EVENTS.labels("removed")


@dataclass(eq=False, slots=True)
class Listener:
    """`position`: what the client has. `meanwhile`: what changed while the stream was opened; None once it is open."""

    lease: str
    stream: EventStream
    position: Position = (0, 0)
    meanwhile: list[Entry] | None = field(default_factory=list)

    @property
    def opened(self) -> bool:
        return self.meanwhile is None

    def reset(self, last_id: str, reason: str) -> None:
        """Tells the client to read the list again, and goes on after `last_id`."""
        RESETS.labels(reason).inc()
        self.position = position_of(last_id) or (0, 0)
        self.stream.push(event_of("reset", {"reason": reason}, last_id))


def push(listeners: Collection[Listener], entries: Sequence[Entry]) -> None:
    """Sends entries, in their order, to those of the listeners that do not have them, to each as one piece. An event is
    encoded once for all."""
    events = [(entry.position, *_encode(entry)) for entry in entries]
    for one in listeners:
        if one.meanwhile is not None:
            one.meanwhile += entries
        elif missing := [event for event in events if event[0] > one.position]:
            one.position = missing[-1][0]
            for _, counter, _ in missing:
                counter.inc()
            one.stream.push(b"".join(event for _, _, event in missing))


def _encode(entry: Entry) -> tuple[Counter, bytes]:
    """Also returns what counts it."""
    counter, event = (_REMOVED, "removed") if entry.removed else (_NOTIFICATION, "notification")
    return counter, encode_event(event, f'{{"id":{encode_basestring_ascii(entry.group_id)}}}', event_id=entry.id)


def event_of(event: str, data: Mapping[str, object], event_id: str, retry: int | None = None) -> bytes:
    return encode_event(event, json.dumps(data, separators=(",", ":")), event_id=event_id, retry=retry)
