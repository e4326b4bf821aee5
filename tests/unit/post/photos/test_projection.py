"""The rows of photos are the same in whatever order and however often events are applied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from photomesh_post.photos.domain import PhotoStatus
from photomesh_post.photos.projection import PhotoEvent, deleted_rows, photo_of, rows_of
from photomesh_shared.events import Envelope
from tests.support.post.memory_tables import MemoryTables, applied, shuffled
from tests.support.post.sample_events import ADA, failed, ready, rejected, uploaded

PHOTO = 382_764_231_807_565_824

outcomes = st.lists(st.tuples(st.sampled_from([ready, rejected, failed]), st.integers(2, 5)), max_size=5)


def tables_after(events: list[Envelope[PhotoEvent]]) -> MemoryTables:
    return applied(rows_of(envelope) for envelope in events)


@settings(max_examples=200, deadline=None)
@given(outcomes, st.integers())
def test_any_order(outcomes: list[tuple[Any, int]], seed: int) -> None:
    events: list[Envelope[PhotoEvent]] = [
        uploaded(PHOTO),
        *(make(PHOTO, ADA, version=version) for make, version in outcomes),
    ]
    assert tables_after(shuffled(events, seed)) == tables_after(events)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((ready(PHOTO), uploaded(PHOTO)), PhotoStatus.READY),
        ((ready(PHOTO), failed(PHOTO)), PhotoStatus.READY),
        ((failed(PHOTO), ready(PHOTO)), PhotoStatus.READY),
        ((failed(PHOTO), rejected(PHOTO)), PhotoStatus.REJECTED),
        ((rejected(PHOTO, version=4), ready(PHOTO)), PhotoStatus.REJECTED),
        ((rejected(PHOTO), ready(PHOTO, version=4)), PhotoStatus.READY),
    ],
    ids=[
        "ready first",
        "failed later",
        "ready later",
        "rejected later",
        "larger version first",
        "larger version later",
    ],
)
def test_which_event_wins(events: tuple[Envelope[PhotoEvent], ...], status: PhotoStatus) -> None:
    row = tables_after(list(events)).row("photos", photo_id=PHOTO)
    photo = photo_of(row) if row else None
    assert photo is not None
    assert photo.status is status


def test_a_deleted_photo_loses_its_metadata_even_if_it_is_ready_later() -> None:
    tables = applied([rows_of(uploaded(PHOTO)), deleted_rows(PHOTO), rows_of(ready(PHOTO))])
    row, metadata = tables.row("photos", photo_id=PHOTO), tables.row("photo_metadata", photo_id=PHOTO)
    photo = photo_of(row) if row else None
    assert photo is not None
    assert photo.deleted
    blank = {"camera": "{}", "content_type": "", "size_bytes": 0, "sha256": "", "phash": ""}
    assert metadata == {"photo_id": PHOTO} | blank


def test_a_photo_of_which_only_the_deletion_arrived_is_unknown() -> None:
    row = applied([deleted_rows(PHOTO)]).row("photos", photo_id=PHOTO)
    assert row is not None
    assert photo_of(row) is None
