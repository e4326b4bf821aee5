"""Snowflake ids and their wire form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from photomesh_shared import ids
from photomesh_shared.ids import EPOCH, MAX_ID, IdGenerator, PhotoId, UploadId, decode, encode
from tests.support.clock import FakeClock

_IDS = st.integers(0, MAX_ID)


class _SteppingClock(FakeClock):
    """Shows one time after the other."""

    def __init__(self, times: list[datetime]) -> None:
        super().__init__()
        self._times = iter(times)
        self._shown = times[0]

    def now(self) -> datetime:
        self._shown = next(self._times, self._shown)
        return self._shown


@given(_IDS)
def test_the_wire_form_is_the_same_id(value: int) -> None:
    text = encode("p", value)
    assert decode("p", text) == value
    assert len(text) <= len("p_") + 11


@given(_IDS, _IDS)
def test_different_ids_look_different(one: int, other: int) -> None:
    assert (encode("p", one) == encode("p", other)) == (one == other)


@given(st.text())
def test_whatever_is_read_is_what_would_be_written(text: str) -> None:
    for candidate in (text, f"p_{text}"):
        try:
            value = decode("p", candidate)
        except ValueError as error:
            assert "p_" in str(error)  # noqa: PT017 — any text may be one or the other
        else:
            assert encode("p", value) == candidate


@pytest.mark.parametrize(
    "text", ["", "p", "p_", "_1", "1", "u_1", "P_1", "p_01", "p_1 ", "p_-1", "p_1_1", "p_" + "z" * 11, "p_" + "1" * 12]
)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ValueError, match="must look like p_"):
        decode("p", text)


@pytest.mark.parametrize("value", [-1, MAX_ID + 1])
def test_what_cannot_be_an_id(value: int) -> None:
    with pytest.raises(ValueError, match="not an id"):
        encode("p", value)


def test_an_id_says_when_and_where() -> None:
    clock = FakeClock(datetime(2026, 11, 21, 10, 0, 0, 123_456, tzinfo=UTC))
    value = IdGenerator(9, 1023, clock).next()
    assert ids.timestamp_of(value) == datetime(2026, 11, 21, 10, 0, 0, 123_000, tzinfo=UTC)
    assert ids.region_of(value) == 9
    assert value < MAX_ID


_STEPS = st.lists(st.sampled_from([0, 0, 0, 1, 2, 1000, -1, -5000, 10**7]), max_size=30)


@given(steps=_STEPS, burst=st.integers(1, 700))
def test_ids_grow_whatever_the_clock_does(steps: list[int], burst: int) -> None:
    times, now = [EPOCH + timedelta(days=1000)], EPOCH + timedelta(days=1000)
    for step in steps:
        now += timedelta(milliseconds=step)
        times.append(now)
    generator = IdGenerator(1, 2, _SteppingClock(times))
    made = [generator.next() for _ in range(len(times) + burst)]
    assert made == sorted(set(made))
    assert {ids.region_of(value) for value in made} == {1}


def test_generators_of_different_workers_never_meet() -> None:
    clock = FakeClock()
    generators = [IdGenerator(region, worker, clock) for region in range(3) for worker in range(5)]
    made = [generator.next() for generator in generators for _ in range(600)]
    assert len(set(made)) == len(made)


@pytest.mark.parametrize(("region", "worker"), [(16, 0), (-1, 0), (0, 1024), (0, -1)])
def test_a_worker_that_does_not_fit(region: int, worker: int) -> None:
    with pytest.raises(ValueError, match="region must be"):
        IdGenerator(region, worker, FakeClock())


class _Model(BaseModel):
    photo: PhotoId
    uploads: list[UploadId] = []


@given(_IDS)
def test_models_hold_integers_and_show_strings(value: int) -> None:
    model = _Model(photo=value, uploads=[value])
    assert model.model_dump() == {"photo": value, "uploads": [value]}
    shown = model.model_dump(mode="json")
    assert shown == {"photo": encode("p", value), "uploads": [encode("up", value)]}
    assert _Model.model_validate(shown) == _Model.model_validate_json(model.model_dump_json()) == model


@pytest.mark.parametrize("value", [None, "", "u_1", "p_", 1.0, True, -1, MAX_ID + 1, 10**30, [], {}])
def test_models_refuse_what_is_no_id(value: Any) -> None:
    with pytest.raises(ValidationError):
        _Model.model_validate({"photo": value})


@pytest.mark.parametrize("text", ["p_zzzzzzzzzzz", "p_AzL8n0Y58m8", "p_00", "p_0000000000"])
def test_what_only_looks_like_an_id_is_the_id_of_nothing(text: str) -> None:
    """It matches the documented pattern, so it is well-formed, and there is no such photo."""
    with pytest.raises(ValueError, match="must look like"):
        decode("p", text)
    assert TypeAdapter(PhotoId).validate_python(text) == 0


@pytest.mark.parametrize("text", ["p_", "p_zzzzzzzzzzzz", "p_8aB3x9Q-", "u_00", "p_00\n", "P_00"])
def test_what_does_not_look_like_one_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="must look like p_"):
        TypeAdapter(PhotoId).validate_python(text)
