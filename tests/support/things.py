"""Events on topics that only tests know."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import ClassVar

from photomesh_shared.events import TOPICS, Envelope, Event, Record, Topic, encode

__all__ = ["THINGS", "Thing", "catalogue_with", "of_unheard_type", "thing_on", "thing_record", "topic_for", "unique"]


class Thing(Event):
    """Something that happened in a test."""

    who: str
    number: int

    def partition_key(self) -> str:
        return self.who

    def subject(self) -> str:
        return self.who


def topic_for(name: str, group: str) -> Topic:
    """A topic of four partitions that `group` consumes."""
    return Topic(
        name=name,
        summary="A test's.",
        owner="test",
        types=(f"photomesh.{name}.v1",),
        consumers=(group,),
        key="who",
        order="All events of one key.",
        retention=None,
        personal_data="None.",
        freshness="At once.",
        partitions=4,
    )


def thing_on(name: str) -> type[Thing]:
    """The event type of a topic."""

    class Happened(Thing):
        type_: ClassVar[str] = f"photomesh.{name}.v1"
        topic: ClassVar[str] = name

    return Happened


THINGS = thing_on("things")
"""For tests in memory, where one topic serves all."""


def of_unheard_type(kind: type[Thing]) -> Record:
    """A record of a type that nobody declared, in the topic of `kind`."""
    record = thing_record(kind, "anybody", 0)
    headers = tuple((k, b"photomesh.test.unheard-of.v1" if k == "ce_type" else v) for k, v in record.headers)
    return Record(record.topic, record.key, record.value, headers)


def thing_record(kind: type[Thing], who: str, number: int) -> Record:
    """An encoded event."""
    event = kind(who=who, number=number)
    return encode(Envelope.of(event, entityversion=number + 1, id=f"{who}.{number}", source="/test"))


def catalogue_with(topic: Topic) -> Mapping[str, Topic]:
    return {**TOPICS, topic.name: topic}


def unique(prefix: str) -> str:
    """A name that no earlier run has used."""
    return f"{prefix}_{uuid.uuid4().hex[:10]}"
