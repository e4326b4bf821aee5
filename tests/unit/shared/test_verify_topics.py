"""Each broken promise of a topic is found, and a sound topic passes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from photomesh_shared.events import TOPICS, Envelope, Event, Record, encode, event_types
from photomesh_shared.events.envelope import tombstone
from photomesh_shared.kafka.partitioning import partition_of
from photomesh_shared.kafka.source import Partition, Received
from photomesh_shared.verify_topics import __main__ as command
from photomesh_shared.verify_topics.checks import Summary, TopicChecker

PARTITIONS = 12
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
CREATED, EDITED, DELETED = (
    event_types()[f"photomesh.post.{name}.v1"].example() for name in ("created", "edited", "deleted")
)
VERSION = 1_790_000_000_000_000


def record(event: Event, version: int = VERSION, id: str | None = None) -> Record:
    return encode(
        Envelope.of(event, entityversion=version, id=id, time=NOW + timedelta(microseconds=version - VERSION))
    )


def changed(old: Record, **headers: str) -> Record:
    return replace(
        old, headers=tuple((name, headers.get(name, value.decode()).encode()) for name, value in old.headers)
    )


def checked(
    *records: Record, offsets: list[int] | None = None, moved: bool = False, partition: int | None = None
) -> Summary:
    topic = TOPICS[records[0].topic]
    checker = TopicChecker(topic, PARTITIONS, lag_begins=NOW - timedelta(days=7), moved=moved)
    for place, one in enumerate(records):
        number = partition_of(one.partition_key or b"", PARTITIONS) if partition is None else partition
        offset = offsets[place] if offsets else place
        checker.check(Received(Partition(topic.name, number), offset, one, NOW))
    return checker.summary()


@pytest.mark.parametrize("name", event_types())
def test_the_example_of_each_type_is_sound(name: str) -> None:
    written = record(event_types()[name].example())
    ending = [tombstone(written)] if event_types()[name].ends else []
    summary = checked(written, *ending)
    assert (summary.problems, summary.records, summary.tombstones) == ({}, 1 + len(ending), len(ending))


def without_author(old: Record) -> Record:
    content = json.loads(old.value or b"")
    del content["author_id"]
    return replace(old, value=json.dumps(content).encode())


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("schema", [without_author(record(CREATED))]),
        ("schema", [replace(record(CREATED), value=b"{")]),
        ("schema", [changed(record(CREATED), ce_entityversion="-1")]),
        ("schema", [changed(record(CREATED), ce_time="yesterday")]),
        ("schema", [changed(record(CREATED), ce_specversion="0.3")]),
        ("type", [changed(record(CREATED), ce_type="photomesh.post.created.v9")]),
        ("type", [changed(record(CREATED), ce_type="photomesh.follow.created.v1")]),
        ("key", [replace(record(CREATED), key=b"o_1")]),
        ("subject", [changed(record(CREATED), ce_subject="o_1")]),
        ("version", [record(CREATED, VERSION + 1), record(EDITED, VERSION)]),
        ("tombstone", [record(DELETED)]),
        ("tombstone", [replace(record(CREATED), value=None)]),
        ("tombstone", [tombstone(record(event_types()["photomesh.photo.ready.v1"].example()))]),
        ("repetition", [record(CREATED, id="a"), record(CREATED.model_copy(update={"caption": "other"}), id="a")]),
    ],
)
def test_each_broken_promise_is_found(kind: str, records: list[Record]) -> None:
    summary = checked(*records)
    assert list(summary.problems) == [kind], summary.examples
    assert not summary.is_sound
    assert summary.examples[kind]


def test_a_record_in_another_partition_is_found_unless_partitions_were_added() -> None:
    right = partition_of(b"u_SH3wjOGN5E", PARTITIONS)
    wrong = (right + 1) % PARTITIONS
    assert checked(record(CREATED), partition=wrong).problems == {"partition": 1}
    summary = checked(record(CREATED), partition=wrong, moved=True)
    assert summary.is_sound
    assert sum(summary.notes.values()) == 1


def test_another_owner_than_the_content_says_is_found() -> None:
    right = partition_of(b"u_SH3wjOGN5E", PARTITIONS)
    summary = checked(changed(record(CREATED), ce_partitionkey="u_1"), partition=right)
    assert summary.problems == {"key": 1}


def test_a_missing_offset_is_a_gap_only_where_nothing_is_compacted() -> None:
    records = [record(CREATED), record(EDITED, VERSION + 1)]
    assert checked(*records, offsets=[3, 5]).problems == {"gap": 1}
    checker = TopicChecker(TOPICS["posts"], PARTITIONS, lag_begins=NOW + timedelta(days=1))
    for offset, one in zip([3, 5], records, strict=True):
        checker.check(
            Received(Partition("posts", partition_of(one.partition_key or b"", PARTITIONS)), offset, one, NOW)
        )
    assert checker.summary().is_sound


def test_a_repeated_decision_may_differ_in_its_times() -> None:
    other = EDITED.model_copy(update={"edited_at": NOW})
    summary = checked(record(EDITED, VERSION, id="a"), record(other, VERSION + 5, id="a"))
    assert summary.is_sound
    assert summary.notes == {"repeated": 1}


def test_an_ended_thing_that_begins_again_needs_no_tombstone() -> None:
    kinds = event_types()
    followed, ended = (kinds[f"photomesh.follow.{name}.v1"].example() for name in ("created", "deleted"))
    end = record(ended, VERSION + 1)
    assert checked(record(followed), end, tombstone(end), record(followed, VERSION + 2)).is_sound


def test_order_by_offset_and_not_by_time_is_no_problem() -> None:
    late = changed(record(EDITED, VERSION + 1), ce_time="2026-11-21T09:00:00Z")
    summary = checked(record(CREATED), late)
    assert summary.is_sound
    assert summary.notes == {"earlier in time than the record before it": 1}


def test_two_processes_may_write_of_one_like_at_once() -> None:
    kinds = event_types()
    liked = kinds["photomesh.post.liked.v1"].example()
    summary = checked(record(liked, VERSION + 1), record(liked, VERSION))
    assert summary.is_sound
    assert summary.notes["lower in version than the record before it"] == 1


def test_a_summary_names_places_and_no_values() -> None:
    summary = checked(without_author(record(CREATED)))
    text = command.describe(summary)
    assert text.startswith("posts: 1 records, 0 tombstones: 1 schema")
    assert "author_id" in text
    assert "Evening" not in text


@pytest.mark.parametrize("check", [lambda: command.main(["nothing"]), lambda: command.main(["--since", "2026-11-01"])])
def test_the_command_refuses_what_it_cannot_mean(check: Callable[[], int]) -> None:
    with pytest.raises(SystemExit) as caught:
        check()
    assert caught.value.code == 2


def test_without_kafka_the_command_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOMESH_KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    assert command.main(["posts", "--bootstrap", "127.0.0.1:1"]) == 2
    assert "Kafka" in capsys.readouterr().err


def test_what_was_found_in_parts_of_a_topic_is_added_up() -> None:
    found, other = Summary("posts", 3, 1), Summary("posts", 4, 2)
    found.problems["key"], other.problems["key"], other.notes["repeated"] = 4, 3, 1
    found.examples["key"] = ["a", "b", "c", "d"]
    other.examples["key"] = ["e", "f", "g"]
    total = Summary("posts")
    total.add(found)
    assert not total.is_sound
    total.add(other)
    assert (total.records, total.tombstones, total.problems["key"], total.notes["repeated"]) == (7, 3, 7, 1)
    assert total.examples["key"] == ["a", "b", "c", "d", "e"]
