"""Events and their envelope: CloudEvents 1.0, Kafka's binary mode, JSON bodies.

An `Event` is what happened; an `Envelope` adds source, time and entity version; a `Record` is the encoded form for
Kafka: key, value and ``ce_…`` headers.

Validation is strict when publishing (an unknown field is an error) and lenient when reading (an unknown field is
ignored), so that a producer may add an optional field before its consumers know it.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from photomesh_shared.clock import Clock, SystemClock
from photomesh_shared.events.catalogue import DEFAULT_MAX_RECORD_BYTES
from photomesh_shared.events.topics import TOPICS
from photomesh_shared.observability import logs, tracing

__all__ = [
    "MAX_ENTITY_VERSION",
    "PARTITION_KEY_HEADER",
    "TOMBSTONE_TYPE",
    "Envelope",
    "Event",
    "EventModel",
    "Position",
    "Record",
    "Undecodable",
    "UnknownType",
    "UtcTime",
    "decode",
    "decode_or_skip",
    "encode",
    "ended_with",
    "event_types",
    "tombstone",
    "tombstone_of",
]

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/json"
MAX_ENTITY_VERSION = 2**63 - 1  # the largest that every store and language of a subscriber has an integer for
PARTITION_KEY_HEADER = "ce_partitionkey"
"""The attribute of CloudEvents' partitioning extension."""
TOMBSTONE_TYPE = "photomesh.tombstone.v1"
"""The type of records without a value: a consumer that ignores unknown types ignores them."""
_TYPES: dict[str, type[Event]] = {}
_RECORD_OVERHEAD = 100  # bytes of a record and of a batch with only that record
_HEADER_OVERHEAD = 10
_MAX_DIGITS = len(str(MAX_ENTITY_VERSION))
_DECIMAL = re.compile("0|[1-9][0-9]*", re.ASCII)
_TIME = TypeAdapter[datetime](AwareDatetime)

UtcTime = Annotated[AwareDatetime, AfterValidator(lambda time: time.astimezone(UTC))]
"""An instant; in JSON, in UTC: ``2026-11-21T10:00:00Z``."""


class Undecodable(Exception):
    """The record is not an event that this version can decode."""


class UnknownType(Exception):
    """The record is an event of a type that this version does not know."""


class EventModel(BaseModel):
    """An event or a part of one: frozen, without undeclared fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Event(EventModel):
    """A fact, named in the past tense.

    A subclass declares its `type_`, `topic`, key and partition key; only optional fields may be added to it later.
    """

    type_: ClassVar[str]
    topic: ClassVar[str]
    ends: ClassVar[bool] = False
    """Whether the thing of the key has ended: a tombstone follows the event, so that compaction removes the thing."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if "type_" in vars(cls) and _TYPES.setdefault(cls.type_, cls) is not cls:
            raise TypeError(f"event type {cls.type_} is declared twice")

    def record_key(self) -> str:
        """The thing whose state the event is; in a compacted topic, the latest record of a key is its whole state."""
        return self.partition_key()

    def partition_key(self) -> str:
        """The owner by whose id partitions are chosen; events of one owner are ordered."""
        raise NotImplementedError

    def subject(self) -> str:
        """The entity that the event is about, whose versions `entityversion` counts."""
        raise NotImplementedError

    def source(self) -> str:
        """The deployable that publishes the event: the owner of its topic."""
        return f"/photomesh/{TOPICS[self.topic].owner}"

    def completed_by(self, earlier: Event) -> Self:
        """Return the event with what it lacks of its thing's state, from an earlier event of the thing: events from
        before were partial."""
        return self

    @classmethod
    def example(cls) -> Self:
        """Return a realistic instance, for documents and tests."""
        raise NotImplementedError


def event_types() -> dict[str, type[Event]]:
    """Return all event types by `type_`, in the catalogue's order."""
    return {name: _TYPES[name] for topic in TOPICS.values() for name in topic.types}


@dataclass(frozen=True)
class Record:
    """A Kafka record."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size(self) -> int:
        """Upper bound of the bytes on the wire, close to the actual size."""
        content = len(self.key or b"") + len(self.value or b"")
        return _RECORD_OVERHEAD + content + sum(_HEADER_OVERHEAD + len(k) + len(v) for k, v in self.headers)

    @property
    def partition_key(self) -> bytes | None:
        """The owner whose records are in order: the key of records that were written without an owner."""
        for name, value in self.headers:
            if name == PARTITION_KEY_HEADER:
                return value
        return self.key

    @property
    def is_tombstone(self) -> bool:
        return self.key is not None and self.value is None

    def header(self, name: str) -> str | None:
        """Return a header as text; the first if there are several."""
        for key, value in self.headers:
            if key == name:
                return value.decode("utf-8", "replace")
        return None


@dataclass(frozen=True)
class Position:
    """Where a record is in its topic, and its value."""

    partition: int
    offset: int
    value: bytes = field(repr=False)


E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True)
class Envelope(Generic[E_co]):
    """An event with its context attributes.

    `id` is unique per event and the same if a replay republishes it, so consumers may deduplicate by it.
    `entityversion` increases with every event of the `subject`, across topics. `position`: where it was read.
    """

    id: str
    source: str
    time: datetime
    entityversion: int
    data: E_co
    traceparent: str | None = field(default=None, compare=False)
    request_id: str | None = field(default=None, compare=False)
    position: Position | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.entityversion <= MAX_ENTITY_VERSION:
            raise ValueError("the entity version is not in 0 … 2^63-1")

    @classmethod
    def of(
        cls,
        event: E_co,  # type: ignore[misc] # constructors may take covariant types
        *,
        entityversion: int,
        id: str | None = None,
        time: datetime | None = None,
        clock: Clock | None = None,
        source: str | None = None,
    ) -> Envelope[E_co]:
        """Wrap an event that happens now, in the current trace and request.

        Give a deterministic `id` (and `time`) if a replay may republish the event. `source` defaults to the owner of
        the event's topic.
        """
        headers: dict[str, str] = {}
        tracing.inject(headers)
        return cls(
            id=id or str(uuid.uuid4()),
            source=source or event.source(),
            time=time or (clock or SystemClock()).now(),
            entityversion=entityversion,
            data=event,
            traceparent=headers.get("traceparent"),
            request_id=logs.request_id.get(),
        )


def encode(envelope: Envelope[Event]) -> Record:
    """Encode an event as a record. Raises ValueError if it is too large for its topic."""
    event = envelope.data
    headers = {
        "ce_specversion": "1.0",
        "ce_id": envelope.id,
        "ce_type": event.type_,
        "ce_source": envelope.source,
        "ce_time": _TIME.dump_json(envelope.time.astimezone(UTC)).decode().strip('"'),
        "ce_subject": event.subject(),
        "ce_entityversion": str(envelope.entityversion),
        PARTITION_KEY_HEADER: event.partition_key(),
        "content-type": CONTENT_TYPE,
        "traceparent": envelope.traceparent,
        "ce_requestid": envelope.request_id,
    }
    record = Record(
        topic=event.topic,
        key=event.record_key().encode(),
        value=event.model_dump_json().encode(),
        headers=tuple((name, value.encode()) for name, value in headers.items() if value is not None),
    )
    limit = TOPICS[event.topic].max_record_bytes if event.topic in TOPICS else DEFAULT_MAX_RECORD_BYTES
    if record.size > limit:
        raise ValueError(f"the record has {record.size} bytes; {event.topic} takes {limit}")
    return record


def tombstone_of(record: Record) -> Record | None:
    """Return the tombstone that must be written together with a record, because the record ends a thing; else None."""
    kind = _TYPES.get(record.header("ce_type") or "")
    return tombstone(record) if kind is not None and kind.ends else None


def tombstone(record: Record) -> Record:
    """Return the tombstone of a record's key: without a value; headers name the subject and the type of `record`."""
    kept = ("ce_specversion", "ce_source", "ce_time", "ce_subject", "ce_entityversion", PARTITION_KEY_HEADER)
    headers = [(name, value) for name, value in record.headers if name in kept]
    headers += [
        ("ce_id", f"{record.header('ce_id')}.tombstone".encode()),
        ("ce_type", TOMBSTONE_TYPE.encode()),
        ("ce_endedby", (record.header("ce_type") or "").encode()),
    ]
    return Record(record.topic, record.key, None, tuple(headers))


def ended_with(envelope: Envelope[Event], fact: type[Event]) -> Record:
    """Return the tombstone of an event's key, without a fact of its own: the thing ended with another, whose end is
    `fact`. A like, for instance, ends with its post."""
    record = tombstone(encode(envelope))
    headers = ((name, fact.type_.encode() if name == "ce_endedby" else value) for name, value in record.headers)
    return replace(record, headers=tuple(headers))


def decode(record: Record, position: Position | None = None) -> Envelope[Event]:
    """Decode the event of a record, which was read at `position`. Raises UnknownType for an undeclared type,
    Undecodable for any other error."""
    # Topics have many records: each header is looked at once, and of several of one name the first counts.
    headers = {name: value.decode("utf-8", "replace") for name, value in reversed(record.headers)}
    kind = _class_of(_required(headers, "ce_type"))
    if record.value is None:
        raise Undecodable("the record has no value")
    try:
        return Envelope(
            id=_required(headers, "ce_id"),
            source=_required(headers, "ce_source"),
            time=_TIME.validate_python(_required(headers, "ce_time")),
            entityversion=_entityversion(_required(headers, "ce_entityversion")),
            data=kind.model_validate_json(record.value, extra="ignore"),
            traceparent=headers.get("traceparent"),
            request_id=headers.get("ce_requestid"),
            position=position,
        )
    except ValidationError as error:
        raise Undecodable("; ".join(_describe(error))) from error
    except ValueError as error:
        raise Undecodable(str(error)) from error


def decode_or_skip(record: Record, position: Position | None = None) -> Envelope[Event] | None:
    """Decode the event of a record for a reader without a group. Returns None for what holds no event: a tombstone, an
    undeclared type, and what cannot be decoded, which consumers put aside as dead letters."""
    if record.is_tombstone:
        return None
    try:
        return decode(record, position)
    except UnknownType:
        return None
    except Undecodable as error:
        log.warning("record skipped", extra={"topic": record.topic, "error": str(error)})
        return None


def event_class(record: Record) -> type[Event]:
    """Return the event class of a record from its headers, without reading the body. Raises as `decode`."""
    name = record.header("ce_type")
    if name is None:
        raise Undecodable("the header ce_type is missing")
    return _class_of(name)


def _class_of(name: str) -> type[Event]:
    if name not in _TYPES:
        raise UnknownType(name)
    return _TYPES[name]


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if value is None:
        raise Undecodable(f"the header {name} is missing")
    return value


def _entityversion(text: str) -> int:
    """Parse the entity version as other languages write it: no sign, blank, underscore or leading zero."""
    if not _DECIMAL.fullmatch(text) or len(text) > _MAX_DIGITS:
        raise Undecodable("the header ce_entityversion is no decimal number in 0 … 2^63-1")
    return int(text)


def _describe(error: ValidationError) -> list[str]:
    """Describe validation errors without values, which may be personal data: the text goes to logs and headers."""
    return [f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors(include_input=False)]
