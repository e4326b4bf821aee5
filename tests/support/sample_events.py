"""Events, and their topics, that only tests know."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from photomesh_shared.events import TOPICS, Envelope, Event, Record, Topic, encode

__all__ = [
    "SAMPLE",
    "SampleEvent",
    "catalogue_with",
    "record_of_unknown_type",
    "sample_record",
    "sample_topic",
    "sample_type",
    "unique_name",
]


class SampleEvent(Event):
    """Its key is `who`; `number` counts the events of one key."""

    who: str
    number: int

    def partition_key(self) -> str:
        return self.who

    def subject(self) -> str:
        return self.who


def sample_topic(name: str, group: str) -> Topic:
    """A topic of four partitions that `group` consumes."""
    return Topic(
        name=name,
        summary="A test's.",
        owner="test",
        types=(f"photomesh.{name}.v1",),
        consumers=(group,),
        key="who",
        owner_id="who",
        order="All events of one key.",
        cleanup="delete",
        retention=timedelta(days=1),
        retention_bytes=1 << 30,
        rebuild="Nothing.",
        personal_data="None.",
        freshness="At once.",
        partitions=4,
    )


def sample_type(name: str) -> type[SampleEvent]:
    """The event type of the sample topic of this name."""

    class Happened(SampleEvent):
        type_: ClassVar[str] = f"photomesh.{name}.v1"
        topic: ClassVar[str] = name

    return Happened


SAMPLE = sample_type("samples")
"""For tests in memory, where one topic serves all."""


def record_of_unknown_type(kind: type[SampleEvent]) -> Record:
    """A record of a type that nobody declared, in the topic of `kind`."""
    record = sample_record(kind, "anybody", 0)
    headers = tuple((k, b"photomesh.test.unknown.v1" if k == "ce_type" else v) for k, v in record.headers)
    return Record(record.topic, record.key, record.value, headers)


def sample_record(kind: type[SampleEvent], who: str, number: int) -> Record:
    """An encoded event."""
    event = kind(who=who, number=number)
    return encode(Envelope.of(event, entityversion=number + 1, id=f"{who}.{number}", source="/test"))


def catalogue_with(topic: Topic) -> Mapping[str, Topic]:
    return {**TOPICS, topic.name: topic}


def unique_name(prefix: str) -> str:
    """A name that no earlier run has used."""
    return f"{prefix}_{uuid.uuid4().hex[:10]}"
