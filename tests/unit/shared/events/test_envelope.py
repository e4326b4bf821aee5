"""Events as CloudEvents in Kafka's binary mode, there and back."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from photomesh_shared.events import (
    AccountRegistered,
    Envelope,
    PhotoReady,
    PhotoUploaded,
    PostCreated,
    Record,
    Undecodable,
    UnknownType,
    decode,
    decode_or_skip,
    encode,
    tombstone,
)
from photomesh_shared.events.documents.headers import decimal_pattern, header_schema
from photomesh_shared.observability import logs
from tests.support.clock import FakeClock


def changed(record: Record, *, value: bytes | None = None, **headers: str | None) -> Record:
    """The record with another value, and with headers replaced or (None) left out."""
    replaced = {name.replace("__", "-"): text for name, text in headers.items()}
    kept = [(name, old) for name, old in record.headers if name not in replaced]
    added = [(name, text.encode()) for name, text in replaced.items() if text is not None]
    return Record(record.topic, record.key, value if value is not None else record.value, tuple(kept + added))


RECORD = encode(Envelope.of(PhotoReady.example(), entityversion=2, id="p_1.ready", clock=FakeClock()))


NO_VERSIONS = ["", "two", "-1", "+1", "01", " 1", "1_0", "1.0", "٣", "9223372036854775808", "9" * 5000]


VERSION_PATTERN = header_schema()["properties"]["ce_entityversion"]["pattern"]


def test_what_is_encoded_is_decoded() -> None:
    envelope = Envelope.of(PhotoUploaded.example(), entityversion=1)
    assert decode(encode(envelope)) == envelope


def test_the_headers_are_those_of_cloudevents() -> None:
    headers = {name: value.decode() for name, value in RECORD.headers}
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": "p_1.ready",
        "ce_type": "photomesh.photo.ready.v1",
        "ce_source": "/photomesh/media-worker",
        "ce_time": "2026-11-21T10:00:00Z",
        "ce_subject": "p_SH3ywmy5ZI",
        "ce_entityversion": "2",
        "ce_partitionkey": "u_SH3wjOGN5E",
        "content-type": "application/json",
    }
    assert RECORD.key == b"u_SH3wjOGN5E"


def test_of_several_headers_of_one_name_the_first_counts() -> None:
    others = tuple((name, b"another") for name, _ in RECORD.headers)
    repeated = replace(RECORD, headers=(*RECORD.headers, *others))
    assert decode(repeated) == decode(RECORD)
    assert repeated.header("ce_type") == RECORD.header("ce_type")
    assert repeated.partition_key == RECORD.partition_key


@pytest.mark.parametrize("version", [0, 1, 2**53 + 1, 2**63 - 1])
def test_the_entity_version_is_a_number_of_63_bits(version: int) -> None:
    envelope = Envelope.of(PhotoUploaded.example(), entityversion=version)
    assert decode(encode(envelope)).entityversion == version
    assert re.search(VERSION_PATTERN, str(version))


@pytest.mark.parametrize("version", [-1, 2**63])
def test_a_version_out_of_bounds_is_refused_where_it_is_made(version: int) -> None:
    with pytest.raises(ValueError, match="entity version"):
        Envelope.of(PhotoUploaded.example(), entityversion=version)


@pytest.mark.parametrize("text", NO_VERSIONS)
def test_the_schema_of_headers_refuses_what_decoding_does(text: str) -> None:
    assert not re.search(VERSION_PATTERN, text, re.ASCII)


@pytest.mark.parametrize("largest", [0, 7, 9, 10, 99, 100, 1234, 2**13])
def test_a_decimal_pattern_matches_the_numbers_up_to_its_bound(largest: int) -> None:
    pattern = decimal_pattern(largest)
    assert [number for number in range(20_000) if re.search(pattern, str(number))] == list(range(largest + 1))


def test_times_are_written_in_utc() -> None:
    late = timezone(timedelta(hours=5))
    event = AccountRegistered.example().model_copy(update={"registered_at": datetime(2026, 1, 1, tzinfo=late)})
    again = AccountRegistered.model_validate(event.model_dump())
    assert json.loads(again.model_dump_json())["registered_at"] == "2025-12-31T19:00:00Z"
    with pytest.raises(ValidationError):
        AccountRegistered.model_validate(event.model_dump() | {"registered_at": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_ids_are_unique_unless_given() -> None:
    event = PostCreated.example()
    assert Envelope.of(event, entityversion=1).id != Envelope.of(event, entityversion=1).id
    assert Envelope.of(event, entityversion=1, id="o_1.created").id == "o_1.created"


def test_the_request_goes_along() -> None:
    token = logs.request_id.set("req_12345678")
    try:
        record = encode(Envelope.of(PostCreated.example(), entityversion=1))
    finally:
        logs.request_id.reset(token)
    assert record.header("ce_requestid") == "req_12345678"
    assert decode(record).request_id == "req_12345678"


def test_producing_is_strict_and_consuming_is_not() -> None:
    later = json.loads(RECORD.value or b"") | {"added_later": {"at": "the top"}}
    later["metadata"]["added_later"] = True
    later["variants"][0]["added_later"] = 1
    with pytest.raises(ValidationError):
        PhotoReady.model_validate(later)
    assert decode(changed(RECORD, value=json.dumps(later).encode())).data == PhotoReady.example()


def test_an_optional_field_may_be_missing() -> None:
    earlier = json.loads(RECORD.value or b"")
    del earlier["metadata"]["lens"]
    data = decode(changed(RECORD, value=json.dumps(earlier).encode())).data
    assert isinstance(data, PhotoReady)
    assert data.metadata.lens is None


def test_a_type_that_nobody_declared_is_told_apart() -> None:
    with pytest.raises(UnknownType):
        decode(changed(RECORD, ce_type="photomesh.photo.ready.v9"))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (changed(RECORD, ce_type=None), "ce_type is missing"),
        (changed(RECORD, ce_id=None), "ce_id is missing"),
        *((changed(RECORD, ce_entityversion=text), "entity ?version") for text in NO_VERSIONS),
        (changed(RECORD, ce_time="yesterday"), "body"),
        (changed(RECORD, value=b"{"), "JSON"),
        (changed(RECORD, value=b"[]"), "object"),
        (changed(RECORD, value=b"\xff\xfe"), "body"),
        (Record(RECORD.topic, RECORD.key, None, RECORD.headers), "no value"),
        (Record(RECORD.topic, RECORD.key, b'{"photo_id": "u_1"}', RECORD.headers), "photo_id"),
    ],
)
def test_what_is_no_event_is_undecodable(broken: Record, said: str) -> None:
    with pytest.raises(Undecodable, match=said):
        decode(broken)


def test_the_reason_does_not_repeat_what_the_record_holds() -> None:
    secret = json.loads(RECORD.value or b"") | {"width": "my secret"}
    with pytest.raises(Undecodable) as caught:
        decode(changed(RECORD, value=json.dumps(secret).encode()))
    assert "my secret" not in str(caught.value)
    assert "width" in str(caught.value)


def test_events_are_frozen() -> None:
    with pytest.raises(ValidationError):
        PostCreated.example().caption = "another"  # type: ignore[misc] # that is the point


def test_a_record_too_large_for_its_topic_is_refused_where_it_is_made() -> None:
    event = PostCreated.example().model_copy(update={"caption": "x" * 1_100_000})
    with pytest.raises(ValueError, match="1048576"):
        encode(Envelope.of(event, entityversion=1))


def test_ids_stay_in_the_range_of_the_wire() -> None:
    assert decode(RECORD).time == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert decode(RECORD).entityversion == 2


def test_a_reader_of_a_whole_topic_skips_what_holds_no_event() -> None:
    for record in (
        tombstone(RECORD),
        changed(RECORD, ce_type="photomesh.photo.invented.v1"),
        changed(RECORD, value=b"not JSON"),
        changed(RECORD, ce_id=None),
    ):
        assert decode_or_skip(record) is None
    assert decode_or_skip(RECORD) == decode(RECORD)
