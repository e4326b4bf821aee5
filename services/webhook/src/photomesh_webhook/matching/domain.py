"""Which endpoints get which events, as rows or later. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from photomesh_shared.consumer.erasure import accounts_of
from photomesh_shared.events import Envelope, Event, NotificationUpdated
from photomesh_webhook.endpoints.audience import owners_of
from photomesh_webhook.endpoints.domain import Audience

__all__ = ["MAX_OF_LANE", "MAX_PENDING", "MAX_ROWS", "Heard", "Listener", "Share", "heard", "room_for", "share"]

MAX_PENDING = 1_000
"""Rows of an endpoint that wait to be sent. What is beyond stays in its topic until there is room."""
MAX_OF_LANE = 50
"""Of these a subject counts for so many at most: what waits behind an event that fails takes no room from others."""
MAX_ROWS = 10_000
"""But all in all there are so many at most."""


@dataclass(frozen=True)
class Heard:
    """An event and where it is. `owners`: whose own endpoints hear of it; `about`: the accounts that it is about;
    `ends`: something has ended."""

    topic: str
    partition: int
    offset: int
    event_id: str
    type: str
    source: str
    subject: str
    time: datetime
    entityversion: int
    value: bytes = field(repr=False)
    owners: frozenset[int]
    about: frozenset[int]
    ends: bool


def heard(envelope: Envelope[Event]) -> Heard:
    """Return the event of an envelope that was read from its topic."""
    event, position = envelope.data, envelope.position
    assert position is not None
    actors = event.actors if isinstance(event, NotificationUpdated) else ()
    return Heard(
        topic=event.topic,
        partition=position.partition,
        offset=position.offset,
        event_id=envelope.id,
        type=event.type_,
        source=envelope.source,
        subject=event.subject(),
        time=envelope.time,
        entityversion=envelope.entityversion,
        value=position.value,
        owners=frozenset(owners_of(event)),
        about=frozenset({*accounts_of(event), *actors}),
        ends=event.ends,
    )


@dataclass(frozen=True)
class Listener:
    """An endpoint that may want events. `live`: it gets them as rows, as long as there is `room`."""

    id: int
    account_id: int
    audience: Audience
    types: frozenset[str]
    round: int
    live: bool
    room: int

    def wants(self, event: Heard) -> bool:
        mine = self.audience is Audience.EVERYONE or self.account_id in event.owners
        return mine and event.type in self.types


@dataclass(frozen=True)
class Share:
    """What a listener gets of some events: rows, and from which offset on it has not got the rest."""

    rows: Sequence[Heard]
    missed_from: int | None


def room_for(pending: int, counted: int) -> int:
    """How many more rows an endpoint may have. `pending`: that wait; `counted`: the same, of each lane so many at most
    as count."""
    return min(MAX_PENDING - counted, MAX_ROWS - pending)


def share(listener: Listener, events: Sequence[Heard]) -> Share:
    """Of events of one partition, in order."""
    wanted = [event for event in events if listener.wants(event)]
    room = listener.room if listener.live else 0
    rest = wanted[room:]
    return Share(wanted[:room], rest[0].offset if rest else None)
