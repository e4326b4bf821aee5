"""Checks of a topic's records against the contract: schemas, keys, partitions, versions, tombstones, repetitions.

One pass, in memory that grows with the number of subjects and not of records.
"""

from __future__ import annotations

import json
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from string import Formatter
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from photomesh_shared.events import Event, Record, Topic, Undecodable, decode, event_types
from photomesh_shared.events.documents.headers import header_schema
from photomesh_shared.events.envelope import CONTENT_TYPE, PARTITION_KEY_HEADER, TOMBSTONE_TYPE
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.source import Received
from photomesh_shared.verify_topics.templates import key_template, owner_template, subject_template

__all__ = ["Summary", "TopicChecker"]

_EXAMPLES = 5
_REMEMBERED = 50_000  # records whose repetition is noticed
_HEADERS = frozenset(header_schema()["required"])
_VERSION = re.compile(header_schema()["properties"]["ce_entityversion"]["pattern"])
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_CONCURRENT = frozenset({"engagement", "saves", "notification_tasks"})
"""Topics in which two processes may write about one subject at once, or about several things with one subject: the
lower version may come last."""
_partition_of = lru_cache(maxsize=200_000)(partition_of)


@dataclass
class Summary:
    """What was found in one topic. `problems` are violations of the contract, `notes` are not."""

    topic: str
    records: int = 0
    tombstones: int = 0
    types: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    @property
    def is_sound(self) -> bool:
        return not self.problems

    def add(self, other: Summary) -> None:
        """Add what was found in other partitions of the topic."""
        self.records += other.records
        self.tombstones += other.tombstones
        self.types += other.types
        self.problems += other.problems
        self.notes += other.notes
        for kind, texts in other.examples.items():
            self.examples[kind] = [*self.examples.get(kind, ()), *texts][:_EXAMPLES]


class Kind:
    """An event type, with its validator and its templates compiled: a tenth of the time of decoding."""

    def __init__(self, kind: type[Event]) -> None:
        self.name = kind.type_
        self.ends = kind.ends
        self._kind = kind
        self.key, self.owner, self.subject = (
            self._function(template, method)
            for template, method in (
                (key_template(kind), kind.record_key),
                (owner_template(kind), kind.partition_key),
                (subject_template(kind), kind.subject),
            )
        )

    def accepts(self, value: bytes) -> bool:
        try:
            self._kind.model_validate_json(value, extra="ignore")
        except ValidationError:
            return False
        return True

    def _function(self, template: str, method: Callable[[Any], str]) -> Callable[[dict[str, Any]], str]:
        """Return how the text follows from the content: by its template, or by the model where that is no field."""
        if all(name in self._kind.model_fields for _, name, _, _ in Formatter().parse(template) if name):
            return template.format_map
        return lambda content: method(self._kind.model_validate(content, extra="ignore"))


class TopicChecker:
    """Takes the records of a topic in the order of each partition, from the earliest; `summary` afterwards.

    `lag_begins`: nothing that was written later has been compacted away, so no offset is missing. `moved`: the topic
    has got more partitions, so records may lie where they belonged before.
    """

    def __init__(self, topic: Topic, partitions: int, *, lag_begins: datetime, moved: bool = False) -> None:
        self._topic = topic
        self._partitions = partitions
        self._lag_begins = lag_begins
        self._moved = moved
        self._kinds = {name: Kind(kind) for name, kind in event_types().items() if name in topic.types}
        self._summary = Summary(topic.name)
        self._versions: dict[str, int] = {}
        self._last: dict[int, tuple[int, bool]] = {}
        self._repeatable: OrderedDict[str, bytes | None] = OrderedDict()
        self._ended: dict[bytes, str] = {}
        self._times: dict[str, str] = {}

    def check(self, received: Received) -> None:
        """Check the next record."""
        record, summary = received.record, self._summary
        summary.records += 1
        self._check_offset(received)
        place = f"{received.partition.number}:{received.offset}"
        if record.is_tombstone:
            self._check_tombstone(record, place)
            return
        headers = {name: value.decode("utf-8", "replace") for name, value in reversed(record.headers)}
        kind = self._kinds.get(headers.get("ce_type", ""))
        if kind is None:
            self._problem("type", f"{place}: {headers.get('ce_type')} is not in the topic's catalogue")
            return
        content = self._content(kind, record, headers, place)
        if content is None:
            return
        summary.types[kind.name] += 1
        key, owner, subject = kind.key(content), kind.owner(content), kind.subject(content)
        if record.key != key.encode():
            self._problem("key", f"{place}: {record.key!r} where the content says {key}")
        if headers.get(PARTITION_KEY_HEADER) != owner:
            self._problem("key", f"{place}: {PARTITION_KEY_HEADER} is not {owner}")
        if headers["ce_subject"] != subject:
            self._problem("subject", f"{place}: not {subject}")
        self._check_partition(owner.encode(), received.partition.number, place)
        if not self._is_repetition(headers["ce_id"], record.value, place):
            self._check_version(subject, int(headers["ce_entityversion"]), place)
        self._check_time(owner, headers["ce_time"])
        if self._topic.is_compacted:
            if kind.ends:
                self._ended[key.encode()] = place
            else:
                self._ended.pop(key.encode(), None)

    def _content(self, kind: Kind, record: Record, headers: Mapping[str, str], place: str) -> dict[str, Any] | None:
        """Return the content, or None if the envelope or the content is not valid."""
        if record.value is not None and kind.accepts(record.value) and _is_envelope(headers):
            content: dict[str, Any] = from_json(record.value)
            return content
        try:
            decode(record)
        except Undecodable as error:
            self._problem("schema", f"{place}: {error}")
        else:
            self._problem("schema", f"{place}: the headers do not satisfy schemas/headers.json")
        return None

    def summary(self) -> Summary:
        """Return what was found, once all records have been checked."""
        for key, place in self._ended.items():
            self._problem("tombstone", f"{place}: {key!r} ended, and no tombstone follows")
        self._ended.clear()
        return self._summary

    def _check_tombstone(self, record: Record, place: str) -> None:
        self._summary.tombstones += 1
        assert record.key is not None
        self._ended.pop(record.key, None)
        if not self._topic.is_compacted:
            self._problem("tombstone", f"{place}: the topic is not compacted")
        if record.header("ce_type") != TOMBSTONE_TYPE:
            self._problem("tombstone", f"{place}: a record without a value that is no tombstone")
        owner = record.partition_key
        if owner is not None:
            self._check_partition(owner, int(place.partition(":")[0]), place)

    def _check_partition(self, owner: bytes, partition: int, place: str) -> None:
        expected = _partition_of(owner, self._partitions)
        if partition != expected:
            if self._moved:
                self._summary.notes["in the partition of an earlier number of partitions"] += 1
            else:
                self._problem("partition", f"{place}: {owner!r} belongs to partition {expected}")

    def _is_repetition(self, event_id: str, value: bytes | None, place: str) -> bool:
        if event_id not in self._repeatable:
            self._repeatable[event_id] = value
            if len(self._repeatable) > _REMEMBERED:
                self._repeatable.popitem(last=False)
            return False
        self._summary.notes["repeated"] += 1
        if (earlier := self._repeatable[event_id]) != value and _without_times(earlier) != _without_times(value):
            self._problem("repetition", f"{place}: {event_id} came before with another content")
        return True

    def _check_version(self, subject: str, version: int, place: str) -> None:
        last = self._versions.get(subject, -1)
        if version >= last:
            self._versions[subject] = version
        elif self._topic.name in _CONCURRENT:
            self._summary.notes["lower in version than the record before it"] += 1
        else:
            self._problem("version", f"{place}: {version} of {subject} after {last}")

    def _check_offset(self, received: Received) -> None:
        number, complete = received.partition.number, received.written_at >= self._lag_begins
        last, after_complete = self._last.get(number, (received.offset - 1, False))
        if after_complete and received.offset != last + 1:
            self._problem("gap", f"{number}:{received.offset}: no record after {last}, though nothing is compacted yet")
        self._last[number] = (received.offset, complete)

    def _check_time(self, owner: str, time: str) -> None:
        text = time.rstrip("Z")  # all are UTC, so text of different precision compares as the times do
        if text < self._times.get(owner, ""):
            self._summary.notes["earlier in time than the record before it"] += 1
        else:
            self._times[owner] = text

    def _problem(self, kind: str, text: str) -> None:
        self._summary.problems[kind] += 1
        examples = self._summary.examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(text)


def _is_envelope(headers: Mapping[str, str]) -> bool:
    """Whether the headers satisfy `schemas/headers.json`."""
    return (
        headers.keys() >= _HEADERS
        and headers["ce_specversion"] == "1.0"
        and headers["content-type"] == CONTENT_TYPE
        and _VERSION.fullmatch(headers["ce_entityversion"]) is not None
        and _TIME.fullmatch(headers["ce_time"]) is not None
    )


def _without_times(value: bytes | None) -> object:
    """Return the content without what a repeated decision may say differently: when it was made."""
    content = json.loads(value or b"null")
    return {name: field for name, field in content.items() if not name.endswith("_at")}
