"""What ends is an event and then a tombstone."""

from __future__ import annotations

import pytest

from photomesh_shared.events import TOPICS, UnknownType, decode, event_types, tombstone_of
from photomesh_shared.events.documents.asyncapi import example_record

ENDS = {name for name, kind in event_types().items() if kind.ends}


def test_ends_are_those_of_compacted_topics() -> None:
    assert {event_types()[name].topic for name in ENDS} == {
        "accounts",
        "posts",
        "follows",
        "close_friends",
        "engagement",
        "saves",
        "explore_feedback",
        "webhooks",
    }
    assert {
        name
        for name, kind in event_types().items()
        if TOPICS[kind.topic].is_compacted
        and name.split(".")[-2] in ("deleted", "request-closed", "unliked", "unsaved", "post-removed", "removed")
    } == ENDS


@pytest.mark.parametrize("name", sorted(ENDS))
def test_a_tombstone_has_the_key_and_says_what_ended(name: str) -> None:
    record = example_record(event_types()[name])
    end = tombstone_of(record)
    assert end is not None
    assert end.is_tombstone
    assert (end.topic, end.key, end.partition_key) == (record.topic, record.key, record.partition_key)
    assert end.header("ce_subject") == record.header("ce_subject")
    assert end.header("ce_entityversion") == record.header("ce_entityversion")
    assert end.header("ce_endedby") == name
    with pytest.raises(UnknownType):  # so whoever ignores unknown types ignores it
        decode(end)


def test_nothing_else_has_a_tombstone() -> None:
    alive = event_types().keys() - ENDS
    assert all(tombstone_of(example_record(event_types()[name])) is None for name in alive)
