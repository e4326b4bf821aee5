"""Rules of exports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from photomesh_export.domain import Export, State, file_name, file_of, may_start_at, parts_of

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def _export(state: State, age: timedelta) -> Export:
    return Export(1, 1, "u_1/x", state, NOW - age)


@pytest.mark.parametrize(
    ("earlier", "wait"),
    [
        ([], 0 * HOUR),
        ([_export(State.COMPLETED, 25 * HOUR)], 0 * HOUR),
        ([_export(State.COMPLETED, 20 * HOUR)], 4 * HOUR),
        ([_export(State.EXPIRED, 20 * HOUR)], 4 * HOUR),
        ([_export(State.FAILED, HOUR), _export(State.CANCELLED, 2 * HOUR)], 0 * HOUR),
        ([_export(State.CANCELLED, age * HOUR) for age in (1, 2, 3)], 21 * HOUR),
        ([_export(State.CANCELLED, age * HOUR) for age in (1, 2, 3, 4)], 21 * HOUR),
        ([_export(State.CANCELLED, age * HOUR) for age in (1, 2, 25)], 0 * HOUR),
    ],
)
def test_when_the_next_export_may_begin(earlier: list[Export], wait: timedelta) -> None:
    assert may_start_at(earlier, NOW, pause=DAY, max_starts=3) == NOW + wait


def test_photos_are_divided_into_parts_in_order() -> None:
    assert parts_of([3, 3, 3, 10, 1, 1], 6) == [1, 1, 2, 3, 4, 4]
    assert parts_of([10, 1], 6) == [1, 2]
    assert parts_of([], 6) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, "originals/2026-11-27_p_1.jpg"),
        ("IMG_0042.JPG", "originals/2026-11-27_p_1_IMG_0042.jpg"),
        ("../../etc/passwd", "originals/2026-11-27_p_1_passwd.jpg"),
        ("C:\\temp\\a.jpg", "originals/2026-11-27_p_1_C_temp_a.jpg"),
        ("Grüße an 東京.png", "originals/2026-11-27_p_1_Grüße_an_東京.jpg"),
        ("..", "originals/2026-11-27_p_1.jpg"),
        ("\u202egpj.exe", "originals/2026-11-27_p_1_gpj.jpg"),
        ("a" * 300, f"originals/2026-11-27_p_1_{'a' * 60}.jpg"),
    ],
)
def test_file_names_are_harmless(given: str | None, expected: str) -> None:
    assert file_name("p_1", NOW, "image/jpeg", given) == expected


def test_file_names_end_as_the_type_says() -> None:
    kinds = {"image/heic": ".heic", "image/avif": ".avif", "image/png": ".png", "image/webp": ".webp", "x/y": ".bin"}
    assert {kind: "." + file_name("p_1", NOW, kind, None).rpartition(".")[2] for kind in kinds} == kinds


def test_a_file_is_that_of_the_item() -> None:
    item = {
        "photo_id": "p_2",
        "upload_id": "up_3",
        "content_type": "image/jpeg",
        "size_bytes": 5,
        "etag": "e",
        "uploaded_at": "2026-11-27T12:00:00Z",
        "filename": None,
    }
    file = file_of(item)
    assert (file.number, file.object_key, file.size_bytes, file.etag) == (2, "up_3/original", 5, "e")
    assert file.modified_at == NOW
