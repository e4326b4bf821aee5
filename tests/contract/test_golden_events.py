"""Records as they were written once: every later version reads them, and the present one writes the latest of them.

An event that gains an optional field gets another file beside the old one, which stays as it is.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from photomesh_shared.events import Record, decode, event_types
from photomesh_shared.events.documents.asyncapi import example_record

GOLDEN = Path(__file__).parent / "golden"


def versions(name: str) -> list[Record]:
    paths = sorted((GOLDEN / name).glob("*.json"), key=lambda path: int(path.stem))
    contents = [json.loads(path.read_text()) for path in paths]
    return [
        Record(
            topic=content["topic"],
            key=content["key"].encode(),
            value=content["value"].encode(),
            headers=tuple((name, value.encode()) for name, value in content["headers"].items()),
        )
        for content in contents
    ]


@pytest.mark.parametrize("name", event_types())
def test_the_example_is_written_as_the_latest_golden_record(name: str) -> None:
    assert example_record(event_types()[name]) == versions(name)[-1]


@pytest.mark.parametrize("name", event_types())
def test_every_golden_record_can_be_read(name: str) -> None:
    for record in versions(name):
        assert type(decode(record).data) is event_types()[name]


@pytest.mark.parametrize("name", event_types())
def test_the_latest_golden_record_is_read_as_the_example(name: str) -> None:
    assert decode(versions(name)[-1]).data == event_types()[name].example()


def test_no_golden_type_was_forgotten() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(event_types())
